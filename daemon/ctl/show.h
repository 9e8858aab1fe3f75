/* What answers look like to people, where a table is not enough. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/** For struct ctl_verb. */
void show_status(json_t *done, size_t rows, FILE *out);
void show_text(json_t *done, size_t rows, FILE *out); /* its member "text" */
void show_drain(json_t *done, size_t rows, FILE *out);
void show_killed(json_t *done, size_t rows, FILE *out);
void show_level(json_t *done, size_t rows, FILE *out);

/** For struct ctl_column. */
void show_peer(json_t *row, FILE *out);
void show_state(json_t *row, FILE *out);

/** `draining 37/412, 18s left`, of a line of progress. */
void show_progress(json_t *progress, FILE *out);

#endif
