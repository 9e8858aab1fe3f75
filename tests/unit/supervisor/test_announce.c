/* supervisor/announce.c */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "control/snapshot.h"
#include "supervisor/announce.h"
#include "unit.h"

static socklen_t
make(struct sockaddr_storage *ss, const char *host, const char *path, bool abstract)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_un *sun = (struct sockaddr_un *)ss;

	memset(ss, 0, sizeof *ss);
	if (path != NULL) {
		sun->sun_family = AF_UNIX;
		memcpy(sun->sun_path + abstract, path, strlen(path));
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	}
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(7000);
		return sizeof *in;
	}
	ck_assert_int_eq(inet_pton(AF_INET6, host, &in6->sin6_addr), 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(7000);
	return sizeof *in6;
}

START_TEST(each_address_has_a_command_to_try)
{
	static const struct {
		enum cfg_transport transport;
		const char *host, *path;
		bool abstract;
		const char *try;
	} rows[] = {
		{ CFG_TCP, "127.0.0.1", NULL, false, "socat - TCP:127.0.0.1:7000" },
		{ CFG_TCP, "0.0.0.0", NULL, false, "socat - TCP:127.0.0.1:7000" },
		{ CFG_TCP, "::", NULL, false, "socat - TCP6:[::1]:7000" },
		{ CFG_UDP, "::1", NULL, false, "socat - UDP6:[::1]:7000" },
		{ CFG_UNIX, NULL, "/run/s", false, "socat - UNIX-CONNECT:/run/s" },
		{ CFG_UNIX, NULL, "name", true, "socat - ABSTRACT-CONNECT:name" },
		{ CFG_UNIXGRAM, NULL, "/run/g", false, "socat - UNIX-SENDTO:/run/g,bind=/tmp/sockd-try-$$" },
		{ CFG_UNIXGRAM, NULL, "name", true, "socat - ABSTRACT-SENDTO:name,bind=sockd-try-$$" },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct sockaddr_storage ss;
		socklen_t size = make(&ss, rows[i].host, rows[i].path, rows[i].abstract);
		char try[ANNOUNCE_TRY_SIZE];

		announce_try(rows[i].transport, &ss, size, try);
		ck_assert_str_eq(try, rows[i].try);
	}
}
END_TEST

static unsigned tells;

static void
count_tell(void *arg, const char *event, const char *text)
{
	ck_assert_ptr_eq(arg, &tells);
	ck_assert_str_eq(event, "listening");
	ck_assert_str_eq(text, "udp://127.0.0.1:7000");
	tells++;
}

START_TEST(sockets_of_one_address_are_told_once)
{
	struct cfg_listener l = { .name = "dns", .plugin = "echo" };
	struct config c = { .listeners = &l, .listener_count = 1 };
	struct snapshot_socket sockets[2] = { { .transport = CFG_UDP },
		{ .transport = CFG_UDP, .member = 1 } };
	struct snapshot s = { .config = &c, .sockets = sockets, .socket_count = 2 };
	struct announce *a;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	sockets[0].local_size = make(&sockets[0].local, "127.0.0.1", NULL, false);
	a = announce_new(&s);
	ck_assert_ptr_nonnull(a);
	announce_log(a, NULL, count_tell, &tells);
	announce_print(a, out);
	fclose(out);

	ck_assert_uint_eq(tells, 1);
	ck_assert_str_eq(text,
		"listening udp 127.0.0.1:7000 -> dns (try: socat - UDP:127.0.0.1:7000)\nCtrl-C drains\n");
	free(text);
	announce_free(a);
}
END_TEST

START_TEST(a_tls_listener_is_tried_with_a_tls_client)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7443) };
	const struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
	struct sockaddr_storage address = { 0 };
	char text[ANNOUNCE_TRY_SIZE];

	memcpy(&address, &any, sizeof any);
	announce_try_tls(CFG_TCP, &address, sizeof any, text);
	ck_assert_str_eq(text, "openssl s_client -quiet -connect 127.0.0.1:7443");
	memcpy(&address, &path, sizeof path);
	announce_try_tls(CFG_UNIX, &address, sizeof path, text);
	ck_assert_str_eq(text, "openssl s_client -quiet -unix /run/x");
}
END_TEST

UNIT_TESTS("announce", each_address_has_a_command_to_try, sockets_of_one_address_are_told_once,
	a_tls_listener_is_tried_with_a_tls_client)
