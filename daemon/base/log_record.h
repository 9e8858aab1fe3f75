/* One event as it lies in a ring: packed by the thread that logs, read by the log thread. */
#ifndef BASE_LOG_RECORD_H
#define BASE_LOG_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

enum {
	LOG_RECORD_SIZE = 4096, /* the largest record: longer values are cut and say how much is missing */
	LOG_RECORD_FIELDS = 32, /* more are left out, and counted in a field "left_out" */
	LOG_RECORD_EVENT = 64,  /* longer event words and keys are cut */
	LOG_RECORD_KEY = 48,
};

/** What log_record_measure() found out and log_record_pack() needs. */
struct log_measure {
	size_t size;        /* bytes to reserve, at most LOG_RECORD_SIZE */
	size_t value_limit; /* longer values are cut to this */
	size_t event_size;
	unsigned fields, left_out; /* of the caller's: looked at, and beyond the limit */
	unsigned packed;           /* without those that are NULL */
	uint8_t key_size[LOG_RECORD_FIELDS];
};

void log_record_measure(
	struct log_measure *m, const char *event, const struct log_field *fields, size_t count);

/** Pack what was measured to @p to, aligned to 8. Everything is copied. @p time_ns: since 1970, UTC. */
void log_record_pack(void *to, const struct log_measure *m, int64_t time_ns, int level, const char *event,
	const struct log_field *fields);

/** When a record was packed, without looking at the rest. */
int64_t log_record_time_ns(const void *record);

struct log_view_field {
	char key[LOG_RECORD_KEY + 8]; /* only a-z, 0-9, '_'; unique in the event */
	enum log_kind kind;
	const char *text; /* borrowed from the record */
	size_t size;
	int64_t number;
};

/** A record, readable. A key that came twice, or that is one of time, level, event, gets the next free of _2,
 * _3 ... */
struct log_view {
	int64_t time_ns;
	int level;
	const char *event; /* borrowed from the record */
	size_t event_size;
	size_t count;
	struct log_view_field fields[LOG_RECORD_FIELDS + 1];
};

void log_view_read(struct log_view *v, const void *record);

#endif
