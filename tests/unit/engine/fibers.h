/* What the tests of fibers share: sets and fibers that must succeed, and the functions that they run. */
#ifndef UNIT_ENGINE_FIBERS_H
#define UNIT_ENGINE_FIBERS_H

#include "unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/fiber.h"

/* ThreadSanitizer has room for 8128 threads and fibers together. */
enum { MANY = UNIT_THREAD_SANITIZER ? 2000 : 10000 };

enum { STACK_SIZE = 256 * 1024, PAGE = 4096 };

static inline struct fiber_set *
new_set(void)
{
	struct fiber_set *s;
	struct err e = { 0 };

	if (fiber_set_new(&s, &e) < 0)
		ck_abort_msg("%s", e.text);
	return s;
}

static inline struct fiber *
new_fiber(struct fiber_set *s, fiber_fn fn, void (*ended)(void *arg), void *arg)
{
	struct fiber *f;
	struct err e = { 0 };

	if (fiber_new(s, STACK_SIZE, fn, ended, arg, &f, &e) < 0)
		ck_abort_msg("%s", e.text);
	return f;
}

/* What a fiber and its test tell each other. */
struct story {
	struct fiber_set *set;
	struct fiber *other;
	char text[64]; /* a letter an event */
	int code;
	unsigned ended, rounds;
	bool self_is_current;
};

static inline void
tell(struct story *st, char letter)
{
	size_t used = strlen(st->text);

	if (used + 1 >= sizeof(st->text))
		ck_abort_msg("the story is too long: %s", st->text);
	st->text[used] = letter;
}

static inline void
count_end(void *arg)
{
	struct story *st = arg;

	st->ended++;
	tell(st, 'e');
}

static inline void
park_once(struct fiber *self, void *arg)
{
	struct story *st = arg;

	tell(st, 'a');
	st->self_is_current = fiber_current(st->set) == self;
	st->code = fiber_park(self);
	tell(st, 'b');
}

static inline void
just_tell(struct fiber *self, void *arg)
{
	(void)self;
	tell(arg, 'r');
}

struct counter {
	unsigned runs, ended;
};

static inline void
count_forever(struct fiber *self, void *arg)
{
	struct counter *c = arg;

	do
		c->runs++;
	while (fiber_park(self) == 0);
}

static inline void
count_ended(void *arg)
{
	((struct counter *)arg)->ended++;
}

static inline void
wake_all(struct fiber **fibers, size_t count, int code)
{
	for (size_t i = 0; i < count; i++)
		fiber_wake(fibers[i], code);
}

#endif
