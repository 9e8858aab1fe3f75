/* Logging: one event a line, a fixed event word, then key=value.
 *
 * Writers never wait: an event is packed into a ring (one for each attached thread, one behind a lock for all
 * others), and one log thread formats and writes it. A full ring drops events, counts them, and the log says
 * how many are missing. The logger is process-wide on purpose (any thread of any plugin may log), and the
 * only module beside the crash handler and the signal pipe that holds mutable state of its own. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"

/** syslog's numbers. error needs a person, warning was survived, notice is lifecycle, info is per connection.
 */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** "error" ... "debug"; NULL for any other number. And back: -1 for any other word. */
const char *log_level_name(int level);
int log_level_parse(const char *word);

enum log_kind { LOG_TEXT, LOG_NUMBER, LOG_UNSIGNED };

/** One key=value. Keys are constants of lower-case letters, digits and '_'. Text is copied and escaped. */
struct log_field {
	const char *key;
	enum log_kind kind;
	const char *text; /* NULL is left out */
	size_t size;
	int64_t number;
};

#define LOG_S(k, v)        log_field_text(k, v)
#define LOG_BYTES(k, v, n) ((struct log_field){ .key = (k), .kind = LOG_TEXT, .text = (v), .size = (n) })
#define LOG_I(k, v)        ((struct log_field){ .key = (k), .kind = LOG_NUMBER, .number = (int64_t)(v) })
#define LOG_U(k, v)        ((struct log_field){ .key = (k), .kind = LOG_UNSIGNED, .number = (int64_t)(uint64_t)(v) })

static inline struct log_field
log_field_text(const char *key, const char *text)
{
	return (struct log_field){
		.key = key, .kind = LOG_TEXT, .text = text, .size = text != NULL ? strlen(text) : 0
	};
}

/** The level above which nothing is packed. Read on every log call, so it is one relaxed atomic. */
bool log_is_on(int level);
void log_set_level(int level);
int log_get_level(void);

/** Pack one event. @p event is a fixed word such as "conn_closed"; a sentence for people goes into a field
 * "msg". Thread: any. Blocks: never for attached threads; others take a short lock. Before log_start() it
 * writes text to standard error at once. */
void log_event(int level, const char *event, const struct log_field *fields, size_t count);

#define LOG_AT(level, event, ...)                                                     \
	do {                                                                          \
		if (log_is_on(level)) {                                               \
			const struct log_field log_fields_[] = { __VA_ARGS__ };       \
			log_event(level, event, log_fields_, array_len(log_fields_)); \
		}                                                                     \
	} while (0)
#define log_error(event, ...)   LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) LOG_AT(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_notice(event, ...)  LOG_AT(LOG_LEVEL_NOTICE, event, __VA_ARGS__)
#define log_info(event, ...)    LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)   LOG_AT(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

/** What a descriptor carries. */
enum log_protocol { LOG_TO_STREAM /* lines to a file, terminal or pipe */, LOG_TO_JOURNAL, LOG_TO_SYSLOG };

/** Open what a target names: "stderr", "journal", "syslog" or a path (opened for appending, made with 0640).
 * The supervisor does this, so that a worker needs no access to the path. @return 0 or a negative errno, with
 * text. */
must_check int log_target_open(
	const char *target, int *ret_fd, enum log_protocol *ret_protocol, struct err *e);

struct log_options {
	int fd; /* moves to the logger */
	enum log_protocol protocol;
	bool json;
	int level;
};

/** Start the log thread; one at a time in a process. @p options->fd moves on success. @return 0, -EALREADY,
 * -ENOMEM, or another negative errno */
must_check int log_start(const struct log_options *options, struct err *e);

/** Swap the descriptor (USR1, rotation) for another of the same protocol. @p fd moves; what was logged before
 * goes to the old one, and what the old one refuses goes to the new. Blocks: as log_flush(). */
void log_replace_fd(int fd);

/** Give the calling thread a ring of its own; idempotent. Without memory it goes on with the shared ring. */
void log_thread_attach(void);
/** Before an attached thread ends. */
void log_thread_detach(void);

/** Wait until everything packed so far is written, or the target fails or takes nothing for a second: then
 * the rest is kept for later. Blocks: at most that second, unless a disk hangs. */
void log_flush(void);

/** Flush, end the thread, close the descriptor; later events go to standard error again. What the target did
 * not take is lost, and how much it was is said there. No other thread may log while this runs, or its event
 * may be lost. */
void log_stop(void);

/** How the log fares. Starts zeroed. */
struct log_health {
	int error;      /* errno: the target takes nothing; EAGAIN: nobody reads it; 0: all is well */
	int64_t for_ms; /* how long already */
	uint64_t lost;  /* events dropped since log_start(), all that happened in the last seconds perhaps not
			 * yet */
};
/** Of the log of this process. Thread: any. Blocks: never. */
struct log_health log_look(void);
/** What is wrong, for people. @p error: as above, not 0 */
const char *log_health_text(int error);

/** For events that a peer can repeat at will: true if this one may be logged now, at most one in @p every_ms;
 * then *ret_missed says how many were kept back since the last. One owner thread. */
struct log_repeat {
	int64_t last_ms;
	uint64_t missed;
};
bool log_repeat_allows(struct log_repeat *r, int64_t now_ms, int64_t every_ms, uint64_t *ret_missed);

#endif
