/* Handlers inside the engine: an instance that was started, its threads, and the name that its host handles
 * bear. A handler outlives the versions of the listener that it serves: settings change around it, and it
 * ends when the last version that uses it has ended. Observers are handlers too, of no listener.
 *
 * Everything here belongs to the main thread, but for a handler's thread, which belongs to its loop, and
 * handler_find(), which any thread may call. */
#ifndef ENGINE_HANDLER_H
#define ENGINE_HANDLER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sockd/plugin.h"

#include "base/err.h"
#include "config/config.h"
#include "engine/estate.h"
#include "engine/loop.h"
#include "plugin/instance.h"

struct engine;
struct handler;
struct loop;
struct own_metrics;
struct tally;

/** A handler on one loop: what thread_start()'s host handle stands for. */
struct handler_thread {
	struct handler *handler; /* borrowed */
	struct loop *loop;       /* borrowed */
	void *state;             /* what thread_start() returned */
	bool started;            /* thread_stop() is owed */
	bool listed;             /* thread_start() was called: it hangs on the loop */
	bool ending;             /* nobody uses it: it stops when its estate is over */
	unsigned conns;          /* connections that it serves */
	unsigned works;          /* of this thread, in the pool */
	_Atomic unsigned posts;  /* messages under way to it */
	_Atomic bool refuses_posts;
	struct estate estate; /* what was made through the host of this loop */
	struct loop_task settle;
	struct loop_timer deadline;            /* while ending: its strands are cancelled */
	struct handler_thread *before, *after; /* on the loop, in the order of starting */
	struct mail stop;
};

enum { HANDLER_NAME_SIZE = 72 };

struct handler {
	uint32_t index;
	_Atomic uint32_t generation;  /* of the handles that are good */
	char name[HANDLER_NAME_SIZE]; /* the listener's; an observer has its plugin's */
	char plugin_name[HANDLER_NAME_SIZE];
	const struct sockd_plugin *plugin;     /* borrowed from the instance */
	struct instance *instance;             /* owned; given back when nothing uses it any more */
	const struct sockd_settings *settings; /* the instance's; what start() returned */
	void *data;
	struct config *config;                 /* ref: the settings lie in it */
	struct tally *tally;                   /* borrowed: the engine's; NULL: an observer */
	bool one_thread;                       /* it has a thread on the first loop only */
	bool started;                          /* stop() is owed */
	unsigned references;                   /* listeners and sets of observers that use it */
	struct handler *before, *after;        /* of the engine, in the order of starting */
	struct handler_thread *threads;        /* owned; one for each loop */
	struct listener *own;                  /* owned: what its threads' dialled connections count for */
	_Atomic(struct own_metrics *) metrics; /* owned: what the plugin named; NULL: nothing yet */
	_Atomic unsigned threads_left;         /* loops that have not said that they are through with it */
	struct mail stopped;
	struct handler *next_free;
};

/** All handlers that there may be at a time, those that are still ending included. */
enum { HANDLERS_MAX = 16384 };

struct handler_table {
	_Atomic(struct handler *) *items; /* owned, and what they point to: never freed before the table */
	uint32_t used;
	struct handler *free, *first, *last; /* first, last: those that were made and have not ended */
};

must_check int handler_table_init(struct handler_table *t);
/** Frees the memory only: the handlers have ended. */
void handler_table_fini(struct handler_table *t);

/** What a handler is made of; the name and the instance's plugin are copied or borrowed. */
struct handler_options {
	const char *name;
	struct instance *instance; /* moves, also on failure */
	struct config *config;
	struct tally *tally; /* NULL: an observer */
	bool one_thread;
};

/** Make one with one reference; nothing of the plugin runs. NULL without memory, or above HANDLERS_MAX. */
struct handler *handler_new(struct engine *engine, const struct handler_options *o);
struct handler *handler_ref(struct handler *h);
/** The last one ends its threads on their loops, and then the instance, when the main thread hears of it.
 * NULL is fine. */
void handler_unref(struct engine *engine, struct handler *h);

/** The plugin's start(). */
must_check int handler_start(struct handler *h, struct err *e);
/** At the end of the engine, when there are no loops any more: stop() and give back, whoever refers to it. */
void handler_end(struct engine *engine, struct handler *h);

/** On the loop: the plugin's thread_start(); nothing if it has no thread here. */
must_check int handler_thread_start(struct handler_thread *t, struct err *e);
/** On the loop: thread_stop(), if it is owed; what its estate holds has ended. */
void handler_thread_stop(struct handler_thread *t);

/** Bytes of a stack for its fibers. */
size_t handler_stack_size(const struct handler *h);

/** Something of it has ended: it may be the last that it, or a drain, waited for. */
void handler_thread_changed(struct handler_thread *t);
/** Nothing of its own is under way. */
bool handler_thread_is_over(const struct handler_thread *t);
/** Where connections that it dials hang; valid as long as it. */
struct scope *handler_own_scope(struct handler_thread *t);

/** The handler that runs this instance, or NULL. */
struct handler *handler_of_instance(const struct engine *engine, const struct instance *instance);

/** The host handles of an instance, and of one thread of it. */
struct sockd_host handler_host(const struct handler *h);
struct sockd_host handler_thread_host(const struct handler_thread *t);

/** The handler that a reference names, or NULL. Thread: any. What it returns stays mapped as long as the
 * engine lives, so a plugin that uses a handle after its stop() reads something stale, and nothing worse. */
struct handler *handler_find(const struct engine *engine, uint64_t ref);

#endif
