/* Everything that loading a configuration asks of the world, remembered with the answers: the files, what
 * include patterns matched, variables of the environment, secrets. A worker loads the same configuration
 * again from such a record and opens no path, and every fault that it finds still has its file, line and
 * column. */
#ifndef CONFIG_RECORD_H
#define CONFIG_RECORD_H

#include "base/strbuf.h"
#include "config/config.h"
#include "config/source.h"

struct cfg_record;

/** Remember what @p from answers (NULL: the disk and the environment). One reference. NULL: no memory. */
struct cfg_record *cfg_record_new(const struct cfg_source *from);

struct cfg_record *cfg_record_ref(struct cfg_record *r);
void cfg_record_unref(struct cfg_record *r); /* NULL is fine; the last one wipes and frees. Thread: any. */

/** The source to load from; lives as long as the record. A question that was answered before gets the same
 * answer. After cfg_record_close() a new question is answered with -ENOENT, nothing, or no such variable. */
const struct cfg_source *cfg_record_source(struct cfg_record *r);

/** Ask for every file that a setting of a plugin may name as {file: PATH}, and for those that TLS settings
 * name, so that they are in the record. What
 * cannot be read is remembered too: whoever wants it gets the error. @return 0 or -ENOMEM */
must_check int cfg_record_secrets(struct cfg_record *r, const struct config *c);

/** From here on the record answers from memory only, and any thread may ask. */
void cfg_record_close(struct cfg_record *r);

/** Append it to a message, and take it from one; what comes out is closed. @return 0; -EBADMSG when the bytes
 * are no record; -ENOMEM */
void cfg_record_pack(const struct cfg_record *r, struct strbuf *out);
must_check int cfg_record_unpack(const void *bytes, size_t size, struct cfg_record **ret);

#endif
