/* From text to values and back: numbers, durations, sizes, modes, addresses, and the nearest of some names.
 * Every parser takes the whole text or nothing, and says in its struct err what to write instead; the words
 * fit behind `NAME: `, so that every place that reads such a value complains alike. */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	PARSE_OFF = -1,       /* what parse_duration() makes of `off` */
	PARSE_TEXT_SIZE = 32, /* room for what the parse_format_ functions write */
};

/** `true` or `false`; yes, on, 1 and their kin are refused with a hint. @return 0 or -EINVAL */
must_check int parse_bool(const char *text, bool *ret, struct err *e);

/** A decimal integer. @return 0, -EINVAL, or -ERANGE when it does not fit */
must_check int parse_integer(const char *text, int64_t *ret, struct err *e);

/** Bytes: a number, or a number with K, M, G or KiB, MiB, GiB (1024 each). @return 0, -EINVAL or -ERANGE */
must_check int parse_size(const char *text, int64_t *ret_bytes, struct err *e);

/** `250ms`, `30s`, `1h30m` (ms s m h d), `0`, or `off` (PARSE_OFF). @return 0, -EINVAL or -ERANGE */
must_check int parse_duration(const char *text, int64_t *ret_ms, struct err *e);

/** A file mode in octal that starts with 0, at most 0777. @return 0, -EINVAL or -ERANGE */
must_check int parse_mode(const char *text, mode_t *ret, struct err *e);

/** Events in a time: `20/s`, `300/m`, `1000/h`, or `off` (a count of 0). @return 0, -EINVAL or -ERANGE */
must_check int parse_rate(const char *text, int64_t *ret_count, int64_t *ret_per_ms, struct err *e);

/** Bytes in a second: a size and `/s`, such as `10MiB/s`, or `off` (PARSE_OFF). @return 0, -EINVAL or -ERANGE
 */
must_check int parse_bandwidth(const char *text, int64_t *ret_bytes, struct err *e);

/** The shortest text that parse_duration() or parse_size() reads back as the same value. */
const char *parse_format_duration(int64_t ms, char buffer[PARSE_TEXT_SIZE]);
const char *parse_format_size(int64_t bytes, char buffer[PARSE_TEXT_SIZE]);
const char *parse_format_rate(int64_t count, int64_t per_ms, char buffer[PARSE_TEXT_SIZE]);
const char *parse_format_bandwidth(int64_t bytes, char buffer[PARSE_TEXT_SIZE]);

/** A piece of somebody else's text. */
struct parse_span {
	const char *at;
	size_t size;
};

bool parse_span_is(struct parse_span span, const char *text);

/** Split `SCHEME:REST`; `//` after the colon stays in the rest. @return 0, or -EINVAL without a scheme */
must_check int parse_scheme(
	const char *text, struct parse_span *ret_scheme, const char **ret_rest, struct err *e);

enum parse_family { PARSE_NAME /* a host name, or "" or "*" for any address */, PARSE_IPV4, PARSE_IPV6 };

/** Split `HOST:PORT`, IPv6 addresses in brackets; the host may be empty or `*`, names are not resolved.
 * The host comes without its brackets. @return 0, -EINVAL or -ERANGE (the port) */
must_check int parse_host_port(const char *text, struct parse_span *ret_host, enum parse_family *ret_family,
	uint16_t *ret_port, struct err *e);

/** How many letters have to be changed, added, dropped or swapped with their neighbour to get from one word
 * to the other (optimal string alignment). Words above 63 bytes: the length of the longer one. */
size_t parse_distance(const char *a, const char *b);

/** The name that a person most likely meant, or NULL when none is near. */
const char *parse_nearest(const char *word, const char *const *names, size_t count);

#endif
