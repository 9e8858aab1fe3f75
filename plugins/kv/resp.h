/* The Redis serialisation protocol, version 2 (redis.io, "Redis serialization protocol specification"):
 * commands in, replies out. */
#ifndef KV_RESP_H
#define KV_RESP_H

#include "store.h"

enum { RESP_ARGUMENTS_MAX = 1024, RESP_INLINE_MAX = 64 * 1024 };

enum resp_result {
	RESP_COMMAND, /* one is there */
	RESP_MORE,    /* it has only begun */
	RESP_BROKEN   /* this is something else; *ret_why says what is wrong */
};

struct resp_command {
	struct bytes arguments[RESP_ARGUMENTS_MAX]; /* lent by the input; the first is the command's name */
	size_t count;                               /* 0: an empty line, nothing to do */
	size_t size;                                /* bytes of the input that it takes up */
};

/** Look for one command at the start of the input.
 * @param bulk_max  how long an argument may be; all of them together have twice of that */
enum resp_result resp_parse(
	struct bytes input, size_t bulk_max, struct resp_command *ret, const char **ret_why);

/** Replies that are to be sent; starts as zeroes. */
struct reply {
	char *data; /* owned */
	size_t size, room;
	bool failed; /* memory ran out: something is missing, so the connection has to end */
};

void reply_raw(struct reply *r, const char *bytes, size_t size);
void reply_status(struct reply *r, const char *text);                                             /* +TEXT */
void reply_error(struct reply *r, const char *format, ...) __attribute__((format(printf, 2, 3))); /* -TEXT */
void reply_integer(struct reply *r, int64_t n);
void reply_bulk(struct reply *r, struct bytes value);
void reply_nil(struct reply *r);
void reply_array(struct reply *r, size_t count); /* so many replies follow */

/** Forget the first @p size bytes. */
void reply_consume(struct reply *r, size_t size);
void reply_fini(struct reply *r);

#endif
