/* What tests of the fakes share: a plugin of one function, and a record of what happened. */
#ifndef PLUGINS_FAKE_CASE_H
#define PLUGINS_FAKE_CASE_H

#include <errno.h>
#include <string.h>

#include "fake_words.h"

static char told[256];

/* Note what happened, in its order. */
static inline void
tell(const char *what)
{
	size_t n = strlen(told);

	snprintf(told + n, sizeof told - n, "%s%s", n > 0 ? " " : "", what);
}

static inline void
tell_result(const char *what, int64_t result)
{
	char text[64];

	snprintf(text, sizeof text, "%s=%s", what, result < 0 ? strerrorname_np(errno) : "ok");
	tell(text);
}

static inline struct sockd_fake *
serving(void (*serve)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w))
{
	static struct sockd_plugin plugin = { SOCKD_PLUGIN_INIT, .name = "p", .version = "1" };
	struct sockd_fake *f;

	told[0] = '\0';
	plugin.serve = serve;
	f = sockd_fake_new(&plugin, SOCKD_TCP);
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	return f;
}

static inline void
expect_taken(struct sockd_fake *f, const char *text)
{
	char buf[128] = "";
	ssize_t n = sockd_fake_take(f, buf, sizeof buf - 1);

	ck_assert_str_eq(buf, text);
	ck_assert_int_eq(n, strlen(text));
}

#endif
