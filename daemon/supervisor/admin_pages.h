/* Asking all workers, one after the other and page by page. */
#ifndef SUPERVISOR_ADMIN_PAGES_H
#define SUPERVISOR_ADMIN_PAGES_H

#include "supervisor/admin_call.h"

/** What to do with each row of a worker's answer; @p row is borrowed. */
typedef void admin_row_fn(struct admin_call *call, unsigned generation, json_t *row);

/**
 * Ask every worker that lives; each row of their answers is given to @p row, and @p last is called when there
 * are no more. Goes no faster than the client takes what is said to it. A worker that dies meanwhile has no
 * more rows; a question that is refused ends the call.
 *
 * @param ask     a constant: the name of the question (see worker/ask.c)
 * @param argument  moves; NULL: none
 */
void admin_ask_all(struct admin_call *call, const char *ask, json_t *argument, admin_row_fn *row,
	void (*last)(struct admin_call *call));

/** The same of a single generation. */
void admin_ask_one(struct admin_call *call, unsigned generation, const char *ask, json_t *argument,
	admin_row_fn *row, void (*last)(struct admin_call *call));

#endif
