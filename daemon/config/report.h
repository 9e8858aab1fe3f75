/* Everything that is wrong with a configuration, collected so that one run tells all of it. Whoever finds a
 * fault at a place in a file adds it here, the loader as much as a later stage that cannot bind a socket or
 * whose plugin refuses a setting; all of it is printed in one form. */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "config/node.h"

enum cfg_severity { CFG_ERROR, CFG_WARNING };

enum { CFG_REPORT_MAX = 50 }; /* entries that are kept of each severity; the others are only counted */

/** One finding. It owns its texts, so it outlives the tree that it was found in. */
struct cfg_finding {
	enum cfg_severity severity;
	char *file; /* owned; NULL: of no file */
	int line, column, width;
	char *text;      /* owned; one line */
	char *line_text; /* owned; the line of the file, NULL: not at hand, or too long to show */
	size_t order;
};

/** Starts as `struct cfg_report r = { 0 };`. Not for two threads at once. */
struct cfg_report {
	struct cfg_finding *findings; /* owned */
	size_t count, capacity;
	size_t errors, warnings; /* found, also those that are not kept */
	bool out_of_memory;      /* an entry was lost, or loading ended so */
};

/** Add an error: what is wrong and what to write instead, without a full stop. @p place may be NULL: of no
 * file. The same text at the same place is told once. */
void cfg_report_add_error(struct cfg_report *r, const struct cfg_place *place, const char *format, ...)
	printf_like(3, 4);

/** As cfg_report_add_error(), for what works but is hardly meant. */
void cfg_report_warning(struct cfg_report *r, const struct cfg_place *place, const char *format, ...)
	printf_like(3, 4);

/* Inline, so that a reader and an analyser of the caller see what comes back. */
static inline int
cfg_report_refusal(void)
{
	return -EINVAL;
}

/** cfg_report_add_error() for a caller that ends with it. @return -EINVAL always */
#define cfg_report_error(...)                      \
	({                                         \
		cfg_report_add_error(__VA_ARGS__); \
		cfg_report_refusal();              \
	})

/** Add what a lower floor said in its struct err, at this place. @return -EINVAL always */
static inline int
cfg_report_err(struct cfg_report *r, const struct cfg_place *place, const struct err *e)
{
	return cfg_report_error(r, place, "%s", e->text);
}

/** Record that memory ran out. @return -ENOMEM always */
static inline int
cfg_report_no_memory(struct cfg_report *r)
{
	r->out_of_memory = true;
	return -ENOMEM;
}

/** Nothing but warnings. */
bool cfg_report_is_ok(const struct cfg_report *r);

/**
 * Append everything, sorted by file, line and column, then how many errors there were; nothing if there is
 * nothing.
 *
 * @param caret  for a terminal: the line of the file under each finding, and what is meant underlined
 */
void cfg_report_print(struct cfg_report *r, struct strbuf *out, bool caret);

/** Free the findings; it is empty and usable again. */
void cfg_report_fini(struct cfg_report *r);

static inline void
cleanup_cfg_report(struct cfg_report *r)
{
	cfg_report_fini(r);
}

/** A column counts characters as an editor shows them; this is how many the UTF-8 text has. */
size_t cfg_characters(const char *text, size_t size);

/** Length of the line that begins at @p text, without its break. */
size_t cfg_line_size(const char *text);

#endif
