/* The words only; who sends them, and when a timer turns, is supervisor.c's. Seconds are rounded up: while
 * anything is left of the deadline, nobody reads `0s left`. */
#include "supervisor/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *
plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* ", 18s left", or nothing without a deadline. */
static void
left_text(char *text, size_t size, int64_t left_ms)
{
	if (left_ms < 0)
		text[0] = '\0';
	else
		snprintf(text, size, ", %" PRId64 "s left", (left_ms + 999) / 1000);
}

void
status_serving_text(char text[STATUS_SIZE], size_t listeners, int64_t open)
{
	snprintf(text, STATUS_SIZE, "serving %zu listener%s, %" PRId64 " connection%s", listeners,
		plural((int64_t)listeners), open, plural(open));
}

void
status_add_note(char text[STATUS_SIZE], const char *note)
{
	size_t size = strlen(text);

	if (note[0] != '\0')
		snprintf(text + size, STATUS_SIZE - size, "; %s", note);
}

void
status_draining_text(char text[STATUS_SIZE], int64_t open, int64_t at_start, int64_t left_ms)
{
	char left[40];

	left_text(left, sizeof left, left_ms);
	snprintf(text, STATUS_SIZE, "draining %" PRId64 "/%" PRId64 "%s", open, at_start, left);
}

void
status_terminal_text(char text[STATUS_SIZE], int64_t open, int64_t left_ms)
{
	char left[40];

	left_text(left, sizeof left, left_ms);
	snprintf(text, STATUS_SIZE, "draining: %" PRId64 " connection%s%s (again to stop now)", open,
		plural(open), left);
}

bool
status_is_news(struct status *s, const char *text, int64_t now_ms, bool at_once)
{
	if (strcmp(s->text, text) == 0 || (!at_once && now_ms - s->sent_ms < 1000))
		return false;
	snprintf(s->text, sizeof s->text, "%s", text);
	s->sent_ms = now_ms;
	return true;
}
