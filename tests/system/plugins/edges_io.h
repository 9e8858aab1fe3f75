/* Edges of reading and writing. */
#ifndef TESTS_EDGES_IO_H
#define TESTS_EDGES_IO_H

#include "edges.h"

static const char edge_block[1 << 20];
static const struct sockd_framing edge_line = { sizeof edge_line, SOCKD_FRAME_DELIMITER, 0, 0, 0, '\n', 0 };
static const struct sockd_framing edge_short = { sizeof edge_short, SOCKD_FRAME_DELIMITER, 3, 0, 0, '\n', 0 };
static const struct sockd_framing edge_byte = { sizeof edge_byte, SOCKD_FRAME_LENGTH, 0, 1, 0, 0, 0 };
static const struct sockd_framing edge_width = { sizeof edge_width, SOCKD_FRAME_LENGTH, 0, 3, 0, 0, 0 };
static const struct sockd_framing edge_kind = { sizeof edge_kind, 99, 0, 0, 0, 0, 0 };
static const struct sockd_framing edge_old = { 1, SOCKD_FRAME_DELIMITER, 0, 0, 0, '\n', 0 };
static const struct iovec edge_hole[] = { { NULL, 0 }, { NULL, 4 } };
static const struct iovec edge_endless[] = { { (void *)(uintptr_t)edge_block, SIZE_MAX - 1 },
	{ (void *)(uintptr_t)edge_block, 3 } };
static const struct sockd_addr edge_nowhere = { .len = 0 };
static const struct sockd_addr edge_beyond = { .len = sizeof(struct sockaddr_storage) + 1 };
static const struct sockd_reader edge_no_reader = { NULL, 0 };

EDGE(read_no_room, sockd_read(on->r, edge_buf, 0))
EDGE(read_nowhere, sockd_read(on->r, NULL, 4))
EDGE(receive_no_room, sockd_receive(on->r, edge_buf, 0, &edge_size))
EDGE(receive_nowhere, sockd_receive(on->r, NULL, 4, &edge_size))
EDGE(receive_untold, sockd_receive(on->r, edge_buf, 4, NULL))
EDGE(read_full_nothing, sockd_read_full(on->r, NULL, 0))
EDGE(read_full_nowhere, sockd_read_full(on->r, NULL, 4))
EDGE(read_until_nothing, sockd_read_until(on->r, NULL, 0, edge_buf, 6))
EDGE(read_until_no_delimiter, sockd_read_until(on->r, NULL, 1, edge_buf, 6))
EDGE(read_until_empty_delimiter, sockd_read_until(on->r, "\n", 0, edge_buf, 6))
EDGE(read_until_no_room, sockd_read_until(on->r, "\n", 1, edge_buf, 0))
EDGE(read_until_nowhere, sockd_read_until(on->r, "c", 1, NULL, 6))
EDGE(read_until_absent, sockd_read_until(on->r, "\n", 1, edge_buf, 6))
EDGE(read_frame_unframed, sockd_read_frame(on->r, NULL, edge_buf, 6, &edge_size))
EDGE(read_frame_old, sockd_read_frame(on->r, &edge_old, edge_buf, 6, &edge_size))
EDGE(read_frame_kind, sockd_read_frame(on->r, &edge_kind, edge_buf, 6, &edge_size))
EDGE(read_frame_width, sockd_read_frame(on->r, &edge_width, edge_buf, 6, &edge_size))
EDGE(read_frame_nowhere, sockd_read_frame(on->r, &edge_line, NULL, 6, &edge_size))
EDGE(read_frame_untold, sockd_read_frame(on->r, &edge_line, edge_buf, 6, NULL))
EDGE(read_frame_too_long, sockd_read_frame(on->r, &edge_line, edge_buf, 5, &edge_size))
EDGE(read_frame_above_limit, sockd_read_frame(on->r, &edge_short, edge_buf, 6, &edge_size))
EDGE(peek_nowhere, sockd_peek(on->r, NULL, 1))
EDGE(peek_nothing, sockd_peek(on->r, &edge_seen, 0))
EDGE(peek_too_much, sockd_peek(on->r, &edge_seen, SIZE_MAX))
EDGE(discard_nothing, sockd_discard(on->r, 0))
EDGE(readable, sockd_readable(on->r))
EDGE(pause_no_more, sockd_pause(on->r, false))
EDGE(close_read, sockd_close_read(on->r))

EDGE(write_nothing, sockd_write(on->w, NULL, 0))
EDGE(write_nowhere, sockd_write(on->w, NULL, 4))
EDGE(write_too_much, sockd_write(on->w, edge_block, sizeof edge_block))
EDGE(writev_negative, sockd_writev(on->w, edge_hole, -1))
EDGE(writev_too_many, sockd_writev(on->w, edge_hole, 1025))
EDGE(writev_nowhere, sockd_writev(on->w, NULL, 1))
EDGE(writev_hole, sockd_writev(on->w, edge_hole, 2))
EDGE(writev_endless, sockd_writev(on->w, edge_endless, 2))
EDGE(printf_nothing, sockd_printf(on->w, "%s", ""))
EDGE(write_to_nobody, sockd_write_to(on->w, NULL, NULL, "x", 1))
EDGE(write_to_unnamed, sockd_write_to(on->w, &edge_nowhere, NULL, "x", 1))
EDGE(write_to_beyond, sockd_write_to(on->w, &edge_beyond, NULL, "x", 1))
EDGE(write_to_too_much, sockd_write_to(on->w, sockd_conn_remote(on->c), NULL, edge_block, sizeof edge_block))
EDGE(write_to_nowhere, sockd_write_to(on->w, sockd_conn_remote(on->c), NULL, NULL, 4))
EDGE(write_frame_unframed, sockd_write_frame(on->w, NULL, "x", 1))
EDGE(write_frame_width, sockd_write_frame(on->w, &edge_width, "x", 1))
EDGE(write_frame_nowhere, sockd_write_frame(on->w, &edge_line, NULL, 1))
EDGE(write_frame_above_limit, sockd_write_frame(on->w, &edge_short, "abcd", 4))
EDGE(write_frame_above_width, sockd_write_frame(on->w, &edge_byte, edge_block, 256))
EDGE(write_frame_delimiter_within, sockd_write_frame(on->w, &edge_line, "a\nb", 3))
EDGE(flush, sockd_flush(on->w))
EDGE(sendfile_closed, sockd_sendfile(on->w, -1, 0, 1))
EDGE(sendfile_pipe, sockd_sendfile(on->w, edge_pipe[0], 0, 1))
EDGE(sendfile_before, sockd_sendfile(on->w, fileno(edge_file), -1, 1))
EDGE(sendfile_negative, sockd_sendfile(on->w, fileno(edge_file), 0, -2))
EDGE(sendfile_beyond, sockd_sendfile(on->w, fileno(edge_file), 5, 5))
EDGE(sendfile_nothing, sockd_sendfile(on->w, fileno(edge_file), 0, 0))
EDGE(writable, sockd_writable(on->w) > 0)
EDGE(close_write, sockd_close_write(on->w))
EDGE(copy_from_nobody, sockd_copy(on->w, edge_no_reader))
EDGE(move_from_nobody, sockd_move(on->w, edge_no_reader))

static const struct edge edges_io[] = {
	{ "read_no_room", read_no_room, 0, SKIPPED, SKIPPED, false },
	{ "read_nowhere", read_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "receive_no_room", receive_no_room, -EINVAL, SKIPPED, SKIPPED, false },
	{ "receive_nowhere", receive_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "receive_untold", receive_untold, -EINVAL, -EINVAL, -EINVAL, false },
	{ "read_full_nothing", read_full_nothing, 1, SKIPPED, SKIPPED, false },
	{ "read_full_nowhere", read_full_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "read_until_nothing", read_until_nothing, -EINVAL, -ENOTSUP, -ENOTSUP, false },
	{ "read_until_no_delimiter", read_until_no_delimiter, -EINVAL, -ENOTSUP, -ENOTSUP, false },
	{ "read_until_empty_delimiter", read_until_empty_delimiter, -EINVAL, -ENOTSUP, -ENOTSUP, false },
	{ "read_until_no_room", read_until_no_room, -EINVAL, -ENOTSUP, -ENOTSUP, false },
	{ "read_until_nowhere", read_until_nowhere, -EINVAL, -ENOTSUP, -ENOTSUP, false },
	{ "read_until_absent", read_until_absent, -EMSGSIZE, -ENOTSUP, -ENOTSUP, false },
	{ "read_frame_unframed", read_frame_unframed, -EINVAL, -EINVAL, -EINVAL, false },
	{ "read_frame_old", read_frame_old, -EINVAL, -EINVAL, -EINVAL, false },
	{ "read_frame_kind", read_frame_kind, -EINVAL, -EINVAL, -EINVAL, false },
	{ "read_frame_width", read_frame_width, -EINVAL, -EINVAL, -EINVAL, false },
	{ "read_frame_nowhere", read_frame_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "read_frame_untold", read_frame_untold, -EINVAL, -EINVAL, -EINVAL, false },
	{ "read_frame_too_long", read_frame_too_long, -EMSGSIZE, SKIPPED, SKIPPED, false },
	{ "read_frame_above_limit", read_frame_above_limit, -EMSGSIZE, SKIPPED, SKIPPED, false },
	{ "peek_nowhere", peek_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "peek_nothing", peek_nothing, 6, 6, 6, false },
	{ "peek_too_much", peek_too_much, -EMSGSIZE, -EMSGSIZE, -EMSGSIZE, false },
	{ "discard_nothing", discard_nothing, 0, SKIPPED, SKIPPED, false },
	{ "readable", readable, 6, 6, 6, false },
	{ "pause_no_more", pause_no_more, 0, 0, 0, false },
	{ "close_read", close_read, SKIPPED, -ENOTSUP, SKIPPED, false },

	{ "write_nothing", write_nothing, 0, 0, 0, false },
	{ "write_nowhere", write_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "write_too_much", write_too_much, SKIPPED, -EMSGSIZE, -EMSGSIZE, false },
	{ "writev_negative", writev_negative, -EINVAL, -EINVAL, -EINVAL, false },
	{ "writev_too_many", writev_too_many, -EINVAL, -EINVAL, -EINVAL, false },
	{ "writev_nowhere", writev_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "writev_hole", writev_hole, -EINVAL, -EINVAL, -EINVAL, false },
	{ "writev_endless", writev_endless, -EMSGSIZE, -EMSGSIZE, -EMSGSIZE, false },
	{ "printf_nothing", printf_nothing, 0, 0, 0, false },
	{ "write_to_nobody", write_to_nobody, -ENOTSUP, -EDESTADDRREQ, -ENOTSUP, false },
	{ "write_to_unnamed", write_to_unnamed, -ENOTSUP, -EDESTADDRREQ, -ENOTSUP, false },
	{ "write_to_beyond", write_to_beyond, -ENOTSUP, -EINVAL, -ENOTSUP, false },
	{ "write_to_too_much", write_to_too_much, -ENOTSUP, -EMSGSIZE, -ENOTSUP, false },
	{ "write_to_nowhere", write_to_nowhere, -ENOTSUP, -EINVAL, -ENOTSUP, false },
	{ "write_frame_unframed", write_frame_unframed, -EINVAL, -EINVAL, -EINVAL, false },
	{ "write_frame_width", write_frame_width, -EINVAL, -EINVAL, -EINVAL, false },
	{ "write_frame_nowhere", write_frame_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "write_frame_above_limit", write_frame_above_limit, -EMSGSIZE, -EMSGSIZE, -EMSGSIZE, false },
	{ "write_frame_above_width", write_frame_above_width, -EMSGSIZE, SKIPPED, SKIPPED, false },
	{ "write_frame_delimiter_within", write_frame_delimiter_within, -EINVAL, SKIPPED, SKIPPED, false },
	{ "flush", flush, 0, 0, 0, true },
	{ "sendfile_closed", sendfile_closed, -EBADF, -ENOTSUP, -ENOTSUP, false },
	{ "sendfile_pipe", sendfile_pipe, -EINVAL, -ENOTSUP, -ENOTSUP, false },
	{ "sendfile_before", sendfile_before, -EINVAL, -ENOTSUP, -ENOTSUP, false },
	{ "sendfile_negative", sendfile_negative, -EINVAL, -ENOTSUP, -ENOTSUP, false },
	{ "sendfile_beyond", sendfile_beyond, 0, -ENOTSUP, -ENOTSUP, false },
	{ "sendfile_nothing", sendfile_nothing, 0, -ENOTSUP, -ENOTSUP, false },
	{ "writable", writable, IS_THERE, IS_THERE, IS_THERE, false },
	{ "close_write", close_write, SKIPPED, -ENOTSUP, -ENOTSUP, false },
	{ "copy_from_nobody", copy_from_nobody, -EBADF, -EBADF, -EBADF, true },
	{ "move_from_nobody", move_from_nobody, -EBADF, -EBADF, -EBADF, false },
	{ NULL, NULL, 0, 0, 0, false },
};

#endif
