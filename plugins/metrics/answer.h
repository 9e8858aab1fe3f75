/* What the daemon's admin socket answers: JSON, of which this plugin needs a member here and there and
 * nothing else. Whatever is no JSON is refused, never read beyond its end. */
#ifndef METRICS_ANSWER_H
#define METRICS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

/** Bytes of a text; borrowed. */
struct span {
	const char *at;
	size_t size;
};

/** The value of a member of an object, as it stands in the text. @return false: it is no object, or it has no
 * such member */
bool answer_member(struct span object, const char *name, struct span *ret);

/** Decode a JSON string. @param out  room for as many bytes as @p value has; may be where it stands
 * @return false: it is no string, or holds what none may */
bool answer_string(struct span value, char *out, size_t *ret_size);

/** Whether a value is the string @p text, which needs no escapes. */
bool answer_is(struct span value, const char *text);

#endif
