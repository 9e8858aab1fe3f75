/* What tests on fakes do to any of them. */
#ifndef PLUGINS_FAKE_WORDS_H
#define PLUGINS_FAKE_WORDS_H

#include <string.h>

#include "sockd/testing.h"

#include "unit.h"

static inline void
feed(struct sockd_fake *f, const char *text)
{
	ck_assert_int_eq(sockd_fake_feed(f, text, strlen(text)), 0);
}

#endif
