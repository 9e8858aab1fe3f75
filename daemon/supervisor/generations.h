/* The workers that the supervisor has: one that serves, older ones that drain, and perhaps one that starts.
 * Which is wanted when is service.c's to decide; here each goes through its life, and what it counted is
 * kept. */
#ifndef SUPERVISOR_GENERATIONS_H
#define SUPERVISOR_GENERATIONS_H

#include "supervisor/counters.h"
#include "supervisor/pulse.h"
#include "supervisor/worker_ops.h"

enum generation_state {
	GENERATION_STARTING,
	GENERATION_SERVING,
	GENERATION_DRAINING,
	GENERATION_ENDING, /* drained; plugins are being stopped */
	GENERATION_STATE_COUNT
};

struct generation {
	unsigned number;
	enum generation_state state;
	void *worker;                    /* owned */
	struct generations *all;         /* borrowed */
	struct generation *next;         /* the one before it in time */
	struct counters_block *counters; /* owned, by the counters */
	struct post_mortem *post_mortem; /* owned */
	struct occupancy occupancy;      /* its seat; without rows: none yet */
	struct supervisor_counts counts; /* when last asked */
	struct pulse pulse;
};

struct generations_events {
	/** It was adopted, and obeys. */
	void (*hello)(void *arg, struct generation *g);
	/** From here on it serves. An older one that serves too is still to be drained. */
	void (*ready)(void *arg, struct generation *g, const bool *serves);
	/** All its connections have ended; it is told to end after this returns. */
	void (*done)(void *arg, struct generation *g);
	/** It is gone, and @p g with it after this returns. */
	void (*ended)(void *arg, struct generation *g, enum supervisor_end how, const struct err *e);
};

struct generations_options {
	struct event_base *base;                            /* borrowed */
	const struct supervisor_worker_ops *ops;            /* borrowed */
	const struct supervisor_surroundings *surroundings; /* borrowed */
	const struct generations_events *events;            /* borrowed; called from the base */
	void *arg;
};

struct generations;

must_check int generations_new(
	const struct generations_options *options, struct generations **ret, struct err *e);

/** Start the next generation, of the program @p exec_fd (-1: the one that runs). @p snapshot gets its rows
 * among the counters; it and @p report as in struct supervisor_start. @return 0, or a negative errno with
 * text, and no event follows */
must_check int generations_start(struct generations *all, struct snapshot *snapshot, int exec_fd,
	struct cfg_report *report, struct err *e);

/** Leave all of them, and what was counted, to another supervisor; and take them over, each as it is: nothing
 * is there before. */
void generations_pack(struct state_writer *w, const struct generations *all);
must_check int generations_adopt(struct generations *all, struct state_reader *r, struct err *e);
/** Whether nothing is on its way to any of them. */
bool generations_are_quiet(const struct generations *all);

/** The one that serves, or NULL. */
struct generation *generations_serving(const struct generations *all);
/** Whether one is on its way to serve. */
bool generations_starting(const struct generations *all);
/** The number of the youngest that ever was. */
unsigned generations_last_number(const struct generations *all);
/** The youngest, whatever it does; the others follow by their next. NULL: none. */
struct generation *generations_first(const struct generations *all);

/** Orders to every generation. */
void generations_drain(struct generations *all, int64_t timeout_ms, int64_t spread_ms);
void generations_shutdown(struct generations *all);
void generations_reopen(struct generations *all, int log_fd);
void generations_tell(struct generations *all, const char *event, const char *text);
/** @return false when one of them cannot be killed */
bool generations_kill(struct generations *all);

/** Whether one that serves or drains is stuck in a plugin for @p limit_ms, or does not answer (pulse.h): it
 * is told in the log, and ended. @p now_ms: of a clock that stands still while this process does not
 * run. */
void generations_watch(struct generations *all, int64_t now_ms, int64_t limit_ms);

/** Drain one of them. */
void generation_drain(struct generation *g, int64_t timeout_ms, int64_t spread_ms);

/** What was counted, over all of them. */
struct counters *generations_counters(struct generations *all);

/** Over all generations, those that ended too. */
struct supervisor_counts generations_counts(struct generations *all);

/** How their logs fare: all that they lost, also those that ended; and what is wrong, if only with one. */
struct log_health generations_log(const struct generations *all);

/** Frees all workers, in whatever state they are. NULL is fine. */
void generations_free(struct generations *all);

#endif
