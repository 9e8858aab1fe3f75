/* The files that TLS settings name, as bytes. They come from a source, never from a path: what the supervisor
 * read is what a worker gets. */
#ifndef NET_TLS_FILE_H
#define NET_TLS_FILE_H

#include <stddef.h>

#include "config/config.h"
#include "config/report.h"
#include "config/source.h"

/** Where to read, and where to say what is wrong. */
struct tls_reader {
	const struct cfg_source *source;                        /* borrowed */
	struct cfg_report *report;                              /* borrowed */
	void (*saw)(void *arg, const void *bytes, size_t size); /* is shown all that is read */
	void *arg;
};

struct tls_file {
	char *path;  /* owned */
	char *bytes; /* owned; wiped when freed */
	size_t size;
};

/** One file. @p key names it in messages. @return 0; -EINVAL, told; -ENOMEM, told */
must_check int tls_file_read(const struct tls_reader *r, const char *path, const char *key,
	const struct cfg_place *place, struct tls_file *ret);
void tls_file_fini(struct tls_file *f);

static inline void
cleanup_tls_file(struct tls_file *f)
{
	tls_file_fini(f);
}

/** Give each file of a list to @p fn, and each file of a folder that stands in it; hidden ones are passed
 * over. Stops at the first that does not give 0. @return as tls_file_read(), or what @p fn gave */
must_check int tls_file_each(const struct tls_reader *r, const struct cfg_texts *paths, const char *key,
	const struct cfg_place *place, int (*fn)(void *arg, const struct tls_file *f), void *arg);

#endif
