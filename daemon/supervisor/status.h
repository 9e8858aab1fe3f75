/* What the supervisor says of itself in one line: to systemd's status, and on a terminal. */
#ifndef SUPERVISOR_STATUS_H
#define SUPERVISOR_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATUS_SIZE = 384 };

/** `serving 3 listeners, 17 connections`. */
void status_serving_text(char text[STATUS_SIZE], size_t listeners, int64_t open);

/** Add `; NOTE`, as far as there is room; nothing for an empty one. */
void status_add_note(char text[STATUS_SIZE], const char *note);

/** `draining 37/412, 18s left`: still open, of those at the start. @p left_ms below 0: no deadline. */
void status_draining_text(char text[STATUS_SIZE], int64_t open, int64_t at_start, int64_t left_ms);

/** `draining: 3 connections, 25s left (again to stop now)`. */
void status_terminal_text(char text[STATUS_SIZE], int64_t open, int64_t left_ms);

/** The last line that was sent, so that only a change is sent again. Starts zeroed. */
struct status {
	char text[STATUS_SIZE];
	int64_t sent_ms;
};

/**
 * Whether @p text is news: it differs from what was sent last, and a second has gone by since or @p at_once
 * says that it can't wait. Remembers it if so.
 */
bool status_is_news(struct status *s, const char *text, int64_t now_ms, bool at_once);

#endif
