/* What the program of plugins/exec is told of its client. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "../../plugins/exec/environment.h"
#include "../../plugins/exec/names.h"
#include "fake_words.h"

static void
nothing(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c, (void)r, (void)w;
}

static const struct sockd_option options[] = {
	{ .name = "environment", .type = SOCKD_T_STRING | SOCKD_T_LIST },
	{ 0 },
};
static const struct sockd_plugin plugin = { SOCKD_PLUGIN_INIT, .name = "p", .version = "1",
	.options = options, .data = nothing };

static struct environment env;

static struct sockd_fake *
client(int transport)
{
	struct sockd_fake *f = sockd_fake_new(&plugin, transport);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	return f;
}

static int
fill(struct sockd_fake *f)
{
	struct sockd_conn c;

	sockd_fake_turn(f);
	c = sockd_fake_conn(f);
	return environment_fill(&env, c, "/bin", sockd_host_settings(sockd_conn_host(c)), "environment");
}

/* All of it, in its order. */
static void
expect(const char *const *variables)
{
	size_t i = 0;

	for (; variables[i] != NULL; i++) {
		ck_assert_msg(i < env.count, "%s is missing", variables[i]);
		ck_assert_str_eq(env.variables[i], variables[i]);
	}
	ck_assert_ptr_null(env.variables[i]);
}

#define EXPECT(...) expect((const char *const[]){ __VA_ARGS__, NULL })

static struct sockd_addr
ipv4(const char *text, uint16_t port)
{
	struct sockd_addr a = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&a.sa;

	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	ck_assert_int_eq(inet_pton(AF_INET, text, &in->sin_addr), 1);
	return a;
}

static struct sockd_addr
ipv6(const char *text, uint16_t port)
{
	struct sockd_addr a = { .len = sizeof(struct sockaddr_in6) };
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&a.sa;

	*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	return a;
}

static void
between(struct sockd_fake *f, struct sockd_addr remote, struct sockd_addr local)
{
	sockd_fake_set_remote(f, &remote, "somebody");
	sockd_fake_set_local(f, &local);
}

START_TEST(both_ends_of_tcp_are_told)
{
	struct sockd_fake *f = client(SOCKD_TCP);

	between(f, ipv6("2001:db8::7", 4711), ipv6("2001:db8::1", 79));
	ck_assert_int_eq(fill(f), 0);

	EXPECT("PATH=/bin", "PROTO=TCP", "TCPREMOTEIP=2001:db8::7", "TCPREMOTEPORT=4711",
		"TCPLOCALIP=2001:db8::1", "TCPLOCALPORT=79");
	sockd_fake_free(f);
}
END_TEST

START_TEST(an_ipv4_client_of_a_dual_stack_socket_is_ipv4)
{
	struct sockd_fake *f = client(SOCKD_TCP);

	between(f, ipv6("::ffff:192.0.2.7", 1), ipv4("192.0.2.1", 79));
	ck_assert_int_eq(fill(f), 0);

	EXPECT("PATH=/bin", "PROTO=TCP", "TCPREMOTEIP=192.0.2.7", "TCPREMOTEPORT=1", "TCPLOCALIP=192.0.2.1",
		"TCPLOCALPORT=79");
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_unix_client_is_told_by_its_credentials)
{
	const struct sockd_cred cred = { .pid = 1, .uid = 2, .gid = 3 };
	struct sockd_addr local = { .len = offsetof(struct sockaddr_un, sun_path) + sizeof "/run/s" };
	struct sockaddr_un *name = (struct sockaddr_un *)(void *)&local.sa;
	struct sockd_fake *f = client(SOCKD_UNIX);

	name->sun_family = AF_UNIX;
	memcpy(name->sun_path, "/run/s", sizeof "/run/s");
	sockd_fake_set_local(f, &local);
	sockd_fake_set_cred(f, &cred);
	ck_assert_int_eq(fill(f), 0);

	EXPECT("PATH=/bin", "PROTO=UNIX", "UNIXLOCALPATH=/run/s", "UNIXREMOTEPID=1", "UNIXREMOTEEUID=2",
		"UNIXREMOTEEGID=3");
	sockd_fake_free(f);
}
END_TEST

START_TEST(only_a_verified_certificate_is_told)
{
	const char *const sans[] = { "dns:a.example", "uri:spiffe://example/a", "dns:b.example",
		"email:a@b.example", "ip:192.0.2.7", NULL };
	struct sockd_tls_info tls = {
		.version = "TLSv1.3", .cipher = "TLS_X", .sni = "s.example", .subject = "CN=a", .sans = sans
	};
	struct sockd_fake *f = client(SOCKD_TCP);

	sockd_fake_set_tls(f, &tls);
	ck_assert_int_eq(fill(f), 0);
	EXPECT("PATH=/bin", "SSL_PROTOCOL=TLSv1.3", "SSL_CIPHER=TLS_X", "SSL_TLS_SNI=s.example",
		"SSL_CLIENT_VERIFY=NONE", "PROTO=TCP");

	tls.verified = true;
	tls.sni = NULL;
	ck_assert_int_eq(fill(f), 0);
	EXPECT("PATH=/bin", "SSL_PROTOCOL=TLSv1.3", "SSL_CIPHER=TLS_X", "SSL_CLIENT_VERIFY=SUCCESS",
		"SSL_CLIENT_S_DN=CN=a", "SSL_CLIENT_SAN_DNS_0=a.example",
		"SSL_CLIENT_SAN_URI_0=spiffe://example/a", "SSL_CLIENT_SAN_DNS_1=b.example",
		"SSL_CLIENT_SAN_Email_0=a@b.example", "SSL_CLIENT_SAN_IP_0=192.0.2.7", "PROTO=TCP");
	sockd_fake_free(f);
}
END_TEST

START_TEST(what_the_settings_say_comes_first)
{
	struct sockd_fake *f = client(SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_set(f, "environment", "A=1"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "environment", "B="), 0);
	ck_assert_int_eq(fill(f), 0);

	EXPECT("A=1", "B=", "PATH=/bin", "PROTO=TCP");
	sockd_fake_free(f);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	static char large[ENVIRONMENT_TEXT];
	struct sockd_fake *f = client(SOCKD_TCP);

	memset(large, 'x', sizeof large - 1);
	ck_assert_int_eq(fill(f), 0);
	ck_assert_int_eq(environment_add(&env, "A", large), -1);
	ck_assert_int_eq(errno, E2BIG);
	EXPECT("PATH=/bin", "PROTO=TCP");
	while (env.count < ENVIRONMENT_MAX)
		ck_assert_int_eq(environment_add(&env, "A", "1"), 0);
	ck_assert_int_eq(environment_add(&env, "A", "1"), -1);
	sockd_fake_free(f);
}
END_TEST

/* ---- names: a name service with two hosts, one of which lies ---- */

int
getnameinfo(const struct sockaddr *sa, socklen_t sa_size, char *host, socklen_t host_size, char *service,
	socklen_t service_size, int flags)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
	uint32_t ip = ntohl(in->sin_addr.s_addr);

	(void)sa_size, (void)service, (void)service_size;
	ck_assert_int_eq(sa->sa_family, AF_INET);
	ck_assert_int_eq(flags, NI_NAMEREQD);
	if (ip != 0xc0000207 && ip != 0xc0000208)
		return EAI_NONAME;
	snprintf(host, host_size, ip == 0xc0000207 ? "honest.example" : "bank.example");
	return 0;
}

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	static struct sockaddr_in other = { .sin_family = AF_INET }, own = { .sin_family = AF_INET };
	static struct addrinfo second = { .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&own },
			       first = { .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&other };

	(void)service;
	ck_assert_int_eq(hints->ai_family, AF_INET);
	other.sin_addr.s_addr = htonl(0xc0000264);
	own.sin_addr.s_addr = htonl(0xc0000207);
	first.ai_next = strcmp(name, "honest.example") == 0 ? &second : NULL;
	*ret = &first;
	return 0;
}

void
freeaddrinfo(struct addrinfo *all)
{
	(void)all;
}

START_TEST(a_name_is_one_that_leads_back)
{
	struct sockd_addr honest = ipv4("192.0.2.7", 1), mapped = ipv6("::ffff:192.0.2.7", 1),
			  liar = ipv4("192.0.2.8", 1), nameless = ipv4("192.0.2.9", 1),
			  none = { .len = sizeof(sa_family_t) };
	char name[NAME_SIZE];

	ck_assert(name_of(&honest, name));
	ck_assert_str_eq(name, "honest.example");
	ck_assert(name_of(&mapped, name));
	ck_assert_str_eq(name, "honest.example");
	ck_assert(!name_of(&liar, name));
	ck_assert(!name_of(&nameless, name));
	ck_assert(!name_of(&none, name));
}
END_TEST

UNIT_TESTS("exec_environment", both_ends_of_tcp_are_told, an_ipv4_client_of_a_dual_stack_socket_is_ipv4,
	a_unix_client_is_told_by_its_credentials, only_a_verified_certificate_is_told,
	what_the_settings_say_comes_first, what_does_not_fit_is_refused, a_name_is_one_that_leads_back)
