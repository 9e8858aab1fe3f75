/* Short words for tests of plugins on fakes. The plugin's source is linked to the test. */
#ifndef PLUGINS_PLUGIN_CASE_H
#define PLUGINS_PLUGIN_CASE_H

#include <errno.h>
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

static inline void
expect_no_answer(struct sockd_fake *f)
{
	char buf[1];

	ck_assert_int_eq(sockd_fake_take(f, buf, sizeof buf), -1);
}

#endif
