#include "environment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static int add(struct environment *env, const char *format, ...) SOCKD_FORMAT_(2, 3);
static int
add(struct environment *env, const char *format, ...)
{
	size_t left = sizeof env->text - env->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(env->text + env->used, left, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= left || env->count == ENVIRONMENT_MAX) {
		errno = E2BIG;
		return -1;
	}
	env->variables[env->count++] = env->text + env->used;
	env->variables[env->count] = NULL;
	env->used += (size_t)n + 1;
	return 0;
}

/* An IPv4 client of a dual-stack socket is told as IPv4. @return whether it is an internet address */
static bool
split_address(const struct sockd_addr *a, char ip[INET6_ADDRSTRLEN], unsigned *ret_port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&a->sa;

	if (a->sa.ss_family == AF_INET) {
		*ret_port = ntohs(in->sin_port);
		return inet_ntop(AF_INET, &in->sin_addr, ip, INET6_ADDRSTRLEN) != NULL;
	}
	if (a->sa.ss_family != AF_INET6)
		return false;
	*ret_port = ntohs(in6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], ip, INET6_ADDRSTRLEN) != NULL;
	return inet_ntop(AF_INET6, &in6->sin6_addr, ip, INET6_ADDRSTRLEN) != NULL;
}

static int
add_address(struct environment *env, const char *side, const struct sockd_addr *a)
{
	char ip[INET6_ADDRSTRLEN];
	unsigned port;

	if (a == NULL || !split_address(a, ip, &port))
		return 0;
	return add(env, "TCP%sIP=%s", side, ip) < 0 || add(env, "TCP%sPORT=%u", side, port) < 0 ? -1 : 0;
}

static int
add_unix(struct environment *env, struct sockd_conn c)
{
	const struct sockd_addr *local = sockd_conn_local(c);
	const struct sockd_cred *cred = sockd_conn_cred(c);
	const struct sockaddr_un *name =
		local != NULL ? (const struct sockaddr_un *)(const void *)&local->sa : NULL;

	if (name != NULL && local->len > offsetof(struct sockaddr_un, sun_path) &&
		name->sun_path[0] != '\0' &&
		add(env, "UNIXLOCALPATH=%.*s", (int)(local->len - offsetof(struct sockaddr_un, sun_path)),
			name->sun_path) < 0)
		return -1;
	if (cred == NULL)
		return 0;
	return add(env, "UNIXREMOTEPID=%ld", (long)cred->pid) < 0 ||
			       add(env, "UNIXREMOTEEUID=%lu", (unsigned long)cred->uid) < 0 ||
			       add(env, "UNIXREMOTEEGID=%lu", (unsigned long)cred->gid) < 0
		       ? -1
		       : 0;
}

static int
add_if(struct environment *env, const char *name, const char *value)
{
	return value != NULL ? add(env, "%s=%s", name, value) : 0;
}

/* "dns:a.example" is SSL_CLIENT_SAN_DNS_0, the next one SSL_CLIENT_SAN_DNS_1, and so for each kind. Of more
 * than there is room for the first ones are told. */
static int
add_names(struct environment *env, const char *const *names)
{
	static const struct {
		const char *lead, *variable;
	} kinds[] = { { "dns:", "DNS" }, { "email:", "Email" }, { "ip:", "IP" }, { "uri:", "URI" } };
	enum { KINDS = sizeof kinds / sizeof *kinds, NAMES_MAX = 16 };
	unsigned told[KINDS] = { 0 };

	for (size_t i = 0; names != NULL && names[i] != NULL && i < NAMES_MAX; i++)
		for (size_t kind = 0; kind < KINDS; kind++) {
			size_t lead = strlen(kinds[kind].lead);

			if (strncmp(names[i], kinds[kind].lead, lead) == 0 &&
				add(env, "SSL_CLIENT_SAN_%s_%u=%s", kinds[kind].variable, told[kind]++,
					names[i] + lead) < 0)
				return -1;
		}
	return 0;
}

static int
add_tls(struct environment *env, const struct sockd_tls_info *tls)
{
	if (tls == NULL)
		return 0;
	if (add_if(env, "SSL_PROTOCOL", tls->version) < 0 || add_if(env, "SSL_CIPHER", tls->cipher) < 0 ||
		add_if(env, "SSL_TLS_SNI", tls->sni) < 0 ||
		add(env, "SSL_CLIENT_VERIFY=%s", tls->verified ? "SUCCESS" : "NONE") < 0)
		return -1;
	if (!tls->verified)
		return 0;
	return add_if(env, "SSL_CLIENT_S_DN", tls->subject) < 0 ? -1 : add_names(env, tls->sans);
}

int
environment_add(struct environment *env, const char *name, const char *value)
{
	return add(env, "%s=%s", name, value);
}

int
environment_fill(struct environment *env, struct sockd_conn c, const char *path,
	const struct sockd_settings *s, const char *more)
{
	const char *variable;

	env->count = env->used = 0;
	for (size_t i = 0; (variable = sockd_setting_list(s, more, i)) != NULL; i++)
		if (add(env, "%s", variable) < 0)
			return -1;
	if (add(env, "PATH=%s", path) < 0 || add_tls(env, sockd_conn_tls(c)) < 0)
		return -1;
	if (sockd_conn_transport(c) == SOCKD_UNIX)
		return add(env, "PROTO=UNIX") < 0 ? -1 : add_unix(env, c);
	return add(env, "PROTO=TCP") < 0 || add_address(env, "REMOTE", sockd_conn_remote(c)) < 0 ||
			       add_address(env, "LOCAL", sockd_conn_local(c)) < 0
		       ? -1
		       : 0;
}
