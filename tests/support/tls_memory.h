/* TLS without files or sockets: a certificate for localhost that lies here, and two sessions that hand each
 * other their bytes. */
#ifndef SUPPORT_TLS_MEMORY_H
#define SUPPORT_TLS_MEMORY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "net/tls.h"
#include "net/tls_session.h"

/* Made for tests, and good for nothing else. */
static const char tls_memory_cert[] = "-----BEGIN CERTIFICATE-----\n"
				      "MIIBmzCCAUGgAwIBAgIUBC5LDF4vGOmc0flNZIAb76bidEAwCgYIKoZIzj0EAwIw\n"
				      "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTA0MDgyMFoYDzIxMjYxMTAx\n"
				      "MDQwODIwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
				      "PQMBBwNCAAQzjkgjAt1RonaZJfffk7HED6kIbdcFd4liDEjbGYLIyOJ8kFi7m2jY\n"
				      "/c9mYouG/J0UCSKiF494rjXxRPmCJJ2do28wbTAdBgNVHQ4EFgQUXYi+6oW54t2p\n"
				      "2TNg28/q3BtMZoUwHwYDVR0jBBgwFoAUXYi+6oW54t2p2TNg28/q3BtMZoUwDwYD\n"
				      "VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n"
				      "zj0EAwIDSAAwRQIgMQhJl46JRYsPfLy+QkiN8VxutlPnSxeCKSjxSvdduPgCIQDm\n"
				      "V2L18Br3WO/7e8UeFLC5z9B4w4qY3CslrlBClqVzdQ==\n"
				      "-----END CERTIFICATE-----\n";
static const char tls_memory_key[] = "-----BEGIN PRIVATE KEY-----\n"
				     "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgY3a4WzL1ai/QCC15\n"
				     "IvbQmGQTLsUfSuWPEk3EFdnxvBWhRANCAAQzjkgjAt1RonaZJfffk7HED6kIbdcF\n"
				     "d4liDEjbGYLIyOJ8kFi7m2jY/c9mYouG/J0UCSKiF494rjXxRPmCJJ2d\n"
				     "-----END PRIVATE KEY-----\n";

static inline int
tls_memory_read(void *arg, const char *path, size_t limit, char **ret_bytes, size_t *ret_size)
{
	const char *text = strstr(path, ".crt") != NULL   ? tls_memory_cert
			   : strstr(path, ".key") != NULL ? tls_memory_key
							  : NULL;

	(void)arg, (void)limit; /* both files are small */
	if (text == NULL)
		return -ENOENT;
	*ret_size = strlen(text);
	*ret_bytes = strdup(text);
	return *ret_bytes != NULL ? 0 : -ENOMEM;
}

static inline int
tls_memory_expand(void *arg, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	(void)arg, (void)pattern;
	*ret_paths = NULL;
	*ret_count = 0;
	return 0;
}

static inline int
tls_memory_identify(void *arg, const char *path, char **ret_name)
{
	(void)arg;
	*ret_name = strdup(path);
	return *ret_name != NULL ? 0 : -ENOMEM;
}

static inline const char *
tls_memory_lookup(void *arg, const char *name)
{
	(void)arg, (void)name;
	return NULL;
}

static const struct cfg_source tls_memory_source = { .read = tls_memory_read,
	.expand = tls_memory_expand,
	.identify = tls_memory_identify,
	.lookup = tls_memory_lookup };

/** A context of `tls: {a: {MAP}}`; NULL with @p report filled. The time is 2027-01-01 if @p now_s is 0. */
static inline struct tls_context *
tls_memory_context(
	enum tls_role role, const char *map, int64_t now_s, bool dates_matter, struct cfg_report *report)
{
	char text[1024];
	struct config *config = NULL;
	struct tls_context *c = NULL;

	snprintf(text, sizeof text, "version: 1\ntls: {a: {%s}}\n", map);
	if (config_parse_text("t.yaml", text, strlen(text), &tls_memory_source, &config, report) < 0)
		return NULL;
	if (tls_context_new(&(struct tls_options){ .role = role,
				    .cfg = config->tls[0],
				    .source = &tls_memory_source,
				    .now_s = now_s != 0 ? now_s : 1798761600,
				    .dates_matter = dates_matter },
		    report, &c) < 0)
		c = NULL;
	config_unref(config);
	return c;
}

/** One direction: what one side wrote and the other has not read. */
struct tls_memory_pipe {
	unsigned char bytes[256 * 1024];
	size_t from, to;
	bool fin;
};

/** One side: what it reads from and writes to. */
struct tls_memory_end {
	struct tls_memory_pipe *in, *out;
};

static inline ssize_t
tls_memory_recv(void *arg, void *buf, size_t size)
{
	struct tls_memory_pipe *p = ((struct tls_memory_end *)arg)->in;
	size_t n = p->to - p->from < size ? p->to - p->from : size;

	if (n == 0)
		return p->fin ? 0 : -EAGAIN;
	memcpy(buf, p->bytes + p->from, n);
	p->from += n;
	if (p->from == p->to)
		p->from = p->to = 0;
	return (ssize_t)n;
}

static inline int
tls_memory_send(void *arg, const void *bytes, size_t size)
{
	struct tls_memory_pipe *p = ((struct tls_memory_end *)arg)->out;

	if (size > sizeof p->bytes - p->to)
		return -ENOBUFS;
	memcpy(p->bytes + p->to, bytes, size);
	p->to += size;
	return 0;
}

static const struct tls_io tls_memory_io = { tls_memory_recv, tls_memory_send };

#endif
