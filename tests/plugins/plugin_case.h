/* Short words for tests of plugins on fakes. The plugin's source is linked to the test. */
#ifndef PLUGINS_PLUGIN_CASE_H
#define PLUGINS_PLUGIN_CASE_H

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "fake_words.h"

static inline struct sockd_fake *
started(int transport)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, transport);

	ck_assert_ptr_nonnull(f);
	ck_assert_msg(sockd_fake_start(f) == 0, "%s", sockd_fake_error(f));
	return f;
}

/* The next answer, a whole datagram or all there is of a stream, is this text. */
static inline void
expect_answer(struct sockd_fake *f, const char *text)
{
	char buf[1024];
	ssize_t n = sockd_fake_take(f, buf, sizeof buf - 1);

	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	ck_assert_str_eq(buf, text);
}

/* From here on the client has this port. */
static inline void
come_from_port(struct sockd_fake *f, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockd_addr a = { .len = sizeof in };

	memcpy(&a.sa, &in, sizeof in);
	sockd_fake_set_remote(f, &a, "a client");
}

static inline void
expect_no_answer(struct sockd_fake *f)
{
	char buf[1];

	ck_assert_int_eq(sockd_fake_take(f, buf, sizeof buf), -1);
}

/* Of two services that answer each other, with a forged sender, one has to be silent. */
static inline void
expect_no_talk_with_services(int transport)
{
	struct sockd_fake *f = started(transport);
	char buf[1024];

	come_from_port(f, 1023);
	feed(f, "answer me");
	sockd_fake_turn(f);
	expect_no_answer(f);
	come_from_port(f, 1024);
	feed(f, "answer me");
	sockd_fake_turn(f);
	ck_assert_int_ge(sockd_fake_take(f, buf, sizeof buf), 0);
	sockd_fake_free(f);
}

#endif
