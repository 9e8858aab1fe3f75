/* Operations of streams that look at bytes before they take them, and what is written in one piece. Those of
 * writers work on any writer. */
#ifndef ENGINE_API_FRAME_H
#define ENGINE_API_FRAME_H

#include "sockd/plugin.h"

ssize_t stream_read_until(
	struct sockd_reader r, const void *delimiter, size_t delimiter_size, void *buf, size_t size);
int stream_read_frame(
	struct sockd_reader r, const struct sockd_framing *f, void *buf, size_t size, size_t *ret_size);
ssize_t stream_peek(struct sockd_reader r, const void **ret_data, size_t want);

int any_vprintf(struct sockd_writer w, const char *format, va_list args) SOCKD_FORMAT_(2, 0);
ssize_t stream_write_frame(
	struct sockd_writer w, const struct sockd_framing *f, const void *buf, size_t size);
/** A datagram is marked off by itself: no mark is sent. */
ssize_t datagram_write_frame(
	struct sockd_writer w, const struct sockd_framing *f, const void *buf, size_t size);

#endif
