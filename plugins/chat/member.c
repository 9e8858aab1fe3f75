/* While an answer is on its way nothing may come between its pieces: what is said then is missed like
 * anything else that finds no room. As the next command is not read before that, a member keeps one answer at
 * most, and the buffer of its connection. */
#define _GNU_SOURCE 1 /* vasprintf() */

#include "member.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
member_tell(struct member *m, const char *text, size_t size)
{
	if (m->rest != NULL)
		m->missed++;
	else if (sockd_write(sockd_conn_writer(m->conn), text, size) < 0 &&
		 (errno == EAGAIN || errno == EMSGSIZE))
		m->missed++;
}

/* The write that is refused for want of room is what calls for writable(). */
static bool
send_rest(struct member *m)
{
	struct sockd_writer w = sockd_conn_writer(m->conn);

	while (m->rest_sent < m->rest_size) {
		size_t left = m->rest_size - m->rest_sent, room = sockd_writable(w);
		size_t size = room == 0 ? 1 : room < left ? room : left;

		if (sockd_write(w, m->rest + m->rest_sent, size) < 0) {
			if (errno == EAGAIN)
				return false;
			break; /* it is gone, and close() comes */
		}
		m->rest_sent += size;
	}
	free(m->rest);
	m->rest = NULL;
	return true;
}

void
member_answer_take(struct member *m, char *text)
{
	if (text == NULL || m->rest != NULL) {
		free(text);
		m->missed++;
		return;
	}
	m->rest = text;
	m->rest_size = strlen(text);
	m->rest_sent = 0;
	(void)send_rest(m);
}

void
member_answer(struct member *m, const char *format, ...)
{
	char *text;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	member_answer_take(m, n < 0 ? NULL : text);
}

void
member_leave(struct member *m)
{
	if (m->rest == NULL)
		(void)sockd_conn_close(m->conn);
	m->leaves = true;
}

/* Not an answer: who never reads may speak all the same. */
static void
say_missed(struct member *m)
{
	if (m->missed > 0 && sockd_printf(sockd_conn_writer(m->conn), "* you have missed %u message%s\n",
				     m->missed, m->missed == 1 ? "" : "s") >= 0)
		m->missed = 0;
}

bool
member_go_on(struct member *m)
{
	if (m->rest != NULL) {
		if (!send_rest(m))
			return false;
		say_missed(m);
		if (m->leaves)
			(void)sockd_conn_close(m->conn);
	}
	return !m->leaves;
}

bool
member_on_room(struct member *m)
{
	bool may_hear = member_go_on(m);

	if (may_hear)
		say_missed(m);
	return may_hear;
}

void
member_free(struct member *m)
{
	if (m == NULL)
		return;
	free(m->rest);
	free(m);
}
