/* sockd/ops.h - the operation tables behind the handles. SPDX-License-Identifier: MIT
 *
 * Plugins do not need this file by name: the inline functions of the other headers call through these tables,
 * which is why a plugin links with nothing of sockd's. It is for those who provide the functions: the daemon,
 * and the fakes of <sockd/testing.h>.
 *
 * A slot does what the function of the same name promises, takes the same arguments, and reports failure the
 * same way. Rules for providers:
 *  - size is sizeof the table that the provider was compiled with. Slots are only ever appended.
 *  - What is not there is a NULL slot: its caller gets ENOSYS without the provider being asked.
 *  - A table lives at least as long as the process, since a handle may be kept for any time.
 *  - A slot is never called with a null handle. Looking up the reference (EBADF) and the thread (EXDEV) is
 * its work.
 *  - Variadic functions have a slot with a va_list, whose name begins with v. */
#ifndef SOCKD_OPS_H
#define SOCKD_OPS_H

#include <errno.h>
#include <stdarg.h>
#include <sys/uio.h>

#include "types.h"

#if defined(__GNUC__)
#define SOCKD_FORMAT_(at, first) __attribute__((format(printf, at, first)))
#define SOCKD_LIKELY_(x)         __builtin_expect(!!(x), 1)
#else
#define SOCKD_FORMAT_(at, first)
#define SOCKD_LIKELY_(x) (x)
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct sockd_settings;
struct sockd_error;

/** Behind struct sockd_reader. */
struct sockd_reader_ops {
	size_t size;
	ssize_t (*read)(struct sockd_reader r, void *buf, size_t size);
	int (*receive)(struct sockd_reader r, void *buf, size_t size, size_t *ret_size);
	int (*read_full)(struct sockd_reader r, void *buf, size_t size);
	ssize_t (*read_until)(
		struct sockd_reader r, const void *delimiter, size_t delimiter_size, void *buf, size_t size);
	int (*read_frame)(struct sockd_reader r, const struct sockd_framing *f, void *buf, size_t size,
		size_t *ret_size);
	ssize_t (*receive_fds)(struct sockd_reader r, void *buf, size_t size, int *fds, size_t *io_fds);
	ssize_t (*peek)(struct sockd_reader r, const void **ret_data, size_t want);
	ssize_t (*discard)(struct sockd_reader r, size_t size);
	size_t (*readable)(struct sockd_reader r);
	int (*pause)(struct sockd_reader r, bool paused);
	int (*close_read)(struct sockd_reader r);
};

/** Behind struct sockd_writer. */
struct sockd_writer_ops {
	size_t size;
	ssize_t (*write)(struct sockd_writer w, const void *buf, size_t size);
	ssize_t (*writev)(struct sockd_writer w, const struct iovec *iov, int count);
	int (*vprintf)(struct sockd_writer w, const char *format, va_list args) SOCKD_FORMAT_(2, 0);
	ssize_t (*write_to)(struct sockd_writer w, const struct sockd_addr *to, const struct sockd_addr *from,
		const void *buf, size_t size);
	ssize_t (*write_frame)(
		struct sockd_writer w, const struct sockd_framing *f, const void *buf, size_t size);
	ssize_t (*send_fds)(
		struct sockd_writer w, const void *buf, size_t size, const int *fds, size_t count);
	int (*flush)(struct sockd_writer w);
	int64_t (*sendfile)(struct sockd_writer w, int fd, int64_t offset, int64_t count);
	size_t (*writable)(struct sockd_writer w);
	int (*close_write)(struct sockd_writer w);
	int64_t (*copy)(struct sockd_writer w, struct sockd_reader r);
	ssize_t (*move)(struct sockd_writer w, struct sockd_reader r);
};

/** Behind struct sockd_conn. */
struct sockd_conn_ops {
	size_t size;
	uint64_t (*id)(struct sockd_conn c);
	const struct sockd_addr *(*local)(struct sockd_conn c);
	const struct sockd_addr *(*remote)(struct sockd_conn c);
	const char *(*remote_text)(struct sockd_conn c);
	const char *(*listener)(struct sockd_conn c);
	int (*transport)(struct sockd_conn c);
	const struct sockd_tls_info *(*tls)(struct sockd_conn c);
	const struct sockd_cred *(*cred)(struct sockd_conn c);
	int (*tls_export)(struct sockd_conn c, const char *label, const void *context, size_t context_size,
		void *out, size_t size);
	const struct sockd_addr *(*proxy)(struct sockd_conn c);
	ssize_t (*proxy_tlv)(struct sockd_conn c, int type, void *buf, size_t size);
	int (*state)(struct sockd_conn c);
	int64_t (*draining)(struct sockd_conn c);
	int (*set_busy)(struct sockd_conn c, bool busy);
	int (*set_timeout)(struct sockd_conn c, int which, int64_t ms);
	int (*set_data)(struct sockd_conn c, void *data);
	void *(*data)(struct sockd_conn c);
	void *(*instance)(struct sockd_conn c);
	void *(*thread_state)(struct sockd_conn c);
	struct sockd_reader (*reader)(struct sockd_conn c);
	struct sockd_writer (*writer)(struct sockd_conn c);
	struct sockd_host (*host)(struct sockd_conn c);
	int (*start_tls)(struct sockd_conn c, const char *server_name);
	int (*deny)(struct sockd_conn c);
	int (*close)(struct sockd_conn c);
	int (*abort)(struct sockd_conn c);
	int64_t (*relay)(struct sockd_conn a, struct sockd_conn b);
};

/** Behind struct sockd_host. */
struct sockd_host_ops {
	size_t size;
	int (*vlog)(struct sockd_host h, int level, const char *event, const char *format, va_list args)
		SOCKD_FORMAT_(4, 0);
	int (*log_fields)(
		struct sockd_host h, int level, const char *event, const struct sockd_field *f, size_t count);
	int64_t (*now)(struct sockd_host h);
	int64_t (*wall)(struct sockd_host h);
	int (*sleep)(struct sockd_host h, int64_t ms);
	uint64_t (*timer_start)(
		struct sockd_host h, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg);
	int (*timer_stop)(struct sockd_host h, uint64_t timer);
	uint64_t (*spawn)(struct sockd_host h, sockd_fiber_fn fn, void *arg);
	int (*join)(struct sockd_host h, uint64_t fiber);
	int (*cancel)(struct sockd_host h, uint64_t fiber);
	int (*wait)(struct sockd_host h, const void *what, int64_t ms);
	int (*wake)(struct sockd_host h, const void *what);
	struct sockd_conn (*dial)(struct sockd_host h, const char *url, const struct sockd_dial_options *o);
	int (*offload)(struct sockd_host h, const void *serial, sockd_work_fn fn, void *arg);
	int (*offload_then)(
		struct sockd_host h, const void *serial, sockd_work_fn fn, sockd_done_fn done, void *arg);
	int (*post)(struct sockd_host h, uint64_t conn_id, sockd_post_fn fn, void *arg);
	int (*post_thread)(struct sockd_host thread_scope, sockd_timer_fn fn, void *arg);
	uint64_t (*metric_register)(struct sockd_host h, int kind, const char *name, const char *help);
	int (*metric_add)(struct sockd_host h, uint64_t metric, int64_t n);
	int64_t (*open_connections)(struct sockd_host h);
	void *(*instance)(struct sockd_host h);
	const struct sockd_settings *(*settings)(struct sockd_host h);
	void *(*thread_state)(struct sockd_host h);
};

/** Behind struct sockd_settings. The slots carry get_ because `int`, `bool` and `size` are taken. */
struct sockd_settings_ops {
	size_t size;
	const char *(*get_string)(const struct sockd_settings *s, const char *name);
	int64_t (*get_int)(const struct sockd_settings *s, const char *name);
	bool (*get_bool)(const struct sockd_settings *s, const char *name);
	int64_t (*get_duration_ms)(const struct sockd_settings *s, const char *name);
	uint64_t (*get_size)(const struct sockd_settings *s, const char *name);
	const char *(*get_list)(const struct sockd_settings *s, const char *name, size_t i);
};

/** Behind struct sockd_error. */
struct sockd_error_ops {
	size_t size;
	int (*vset)(struct sockd_error *e, const char *option, const char *format, va_list args)
		SOCKD_FORMAT_(3, 0);
};

/** The settings of one instance. A provider's own struct begins with this one. */
struct sockd_settings {
	const struct sockd_settings_ops *ops;
};

/** Where a plugin says what is wrong with its settings. A provider's own struct begins with this one. */
struct sockd_error {
	const struct sockd_error_ops *ops;
};

/* The body of every inline function: call the slot of a handle, or fail. EBADF: there is no table. ENOSYS:
 * the table ends before the slot, or the slot is empty. */

#define SOCKD_CALL_(handle, fn, failure, arguments)                      \
	if (SOCKD_LIKELY_(!sockd_null(handle) && SOCKD_HAS(handle, fn))) \
		return (handle).ops->fn arguments;                       \
	sockd_refuse_(sockd_null(handle));                               \
	return failure

/* The same for settings and errors, which are pointers to structs that begin with a table. */
#define SOCKD_CALL_AT_(object, fn, failure, arguments)                                            \
	if (SOCKD_LIKELY_((object) != NULL && (object)->ops != NULL && SOCKD_HAS(*(object), fn))) \
		return (object)->ops->fn arguments;                                               \
	sockd_refuse_((object) == NULL || (object)->ops == NULL);                                 \
	return failure

static inline void
sockd_refuse_(bool nothing_there)
{
	errno = nothing_there ? EBADF : ENOSYS;
}

#ifdef __cplusplus
}
#endif

#endif
