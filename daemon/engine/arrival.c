/* One small object for each client that waits, in a list of its loop: for the PROXY header of a balancer, and
 * then perhaps for its turn.
 *
 * What follows the header belongs to TLS or to the plugin, so no byte behind it may be taken: every read
 * looks first (MSG_PEEK) and then takes what is known to be header. While the first few bytes may be the
 * beginning of one or not, nothing is taken, and since they would keep the socket readable, a timer looks
 * again. */
#include "engine/arrival.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "engine/admission.h"
#include "engine/api.h"
#include "engine/conn.h"
#include "engine/engine_private.h"
#include "engine/proxied.h"

enum { LOOK_AGAIN_MS = 10 };

struct arrival {
	struct arrival *next, **link; /* of the loop's list */
	struct scope *scope;          /* held */
	struct newcomer newcomer;
	struct loop_timer timer; /* its turn; while it waits for a header: the next look, or its end */
	struct event readable;
	bool reads;           /* it waits for a header; the event is assigned */
	int64_t header_by_ms; /* until when */
	uint8_t *kept;        /* owned; what was taken of a header that is not whole */
	size_t kept_size;
};

static void arrival_on_timer(struct loop *loop, struct loop_timer *timer);

static void
arrival_unlink(struct arrival *a)
{
	*a->link = a->next;
	if (a->next != NULL)
		a->next->link = a->link;
	loop_timer_clear(a->scope->loop, &a->timer);
	if (a->reads)
		event_del(&a->readable);
}

/* It waits no longer: whoever takes the newcomer has it now. */
static void
arrival_free(struct arrival *a)
{
	struct scope *scope = a->scope;

	arrival_unlink(a);
	free(a->kept);
	free(a);
	scope_release(scope);
}

static void
arrival_go_in(struct arrival *a)
{
	struct newcomer n = a->newcomer;

	conn_begin(a->scope, &n);
	arrival_free(a);
}

/* Close it; whoever calls has told why. */
static void
arrival_end(struct arrival *a, int reason)
{
	struct loop *loop = a->scope->loop;

	admission_give_up(a->scope, &a->newcomer, reason);
	arrival_free(a);
	engine_check_idle(loop);
}

static void
arrival_wait_turn(struct arrival *a)
{
	if (a->newcomer.wait_ms <= 0 || a->scope->loop->draining) {
		arrival_go_in(a);
		return;
	}
	metric_add(a->scope->cells, METRIC_CONNECTIONS_DELAYED, 1);
	loop_timer_set(a->scope->loop, &a->timer, loop_now_ms(a->scope->loop) + a->newcomer.wait_ms);
}

/* ---- the header ---- */

static void
arrival_refuse_header(struct arrival *a, enum guard_cause cause, const char *why)
{
	int reason = admission_refuse(a->scope, &a->newcomer, cause, why);

	arrival_end(a, reason);
}

static void
arrival_stop_reading(struct arrival *a)
{
	event_del(&a->readable);
	loop_timer_clear(a->scope->loop, &a->timer);
	a->reads = false;
	free(a->kept);
	a->kept = NULL;
}

/* Who the client is, is known now. */
static void
arrival_judge(struct arrival *a)
{
	int reason = 0;

	arrival_stop_reading(a);
	if (admission_meet_client(a->scope, &a->newcomer, &reason))
		arrival_wait_turn(a);
	else
		arrival_end(a, reason);
}

/* The header is whole and lies at @p bytes; of it all but what was kept is still in the socket. */
static void
arrival_take_header(struct arrival *a, const struct proxy_header *h, uint8_t *bytes)
{
	size_t rest = h->size - a->kept_size;

	if (recv(a->newcomer.fd, bytes + a->kept_size, rest, 0) != (ssize_t)rest) {
		arrival_refuse_header(a, GUARD_PROXY_HEADER, "it could not be read twice");
		return;
	}
	a->newcomer.proxied = proxied_new(h, bytes);
	if (a->newcomer.proxied == NULL)
		arrival_end(a, SOCKD_BY_ERROR);
	else
		arrival_judge(a);
}

/* All @p size bytes belong to a header that goes on. */
static void
arrival_keep(struct arrival *a, uint8_t *bytes, size_t size)
{
	uint8_t *grown = realloc(a->kept, size);
	size_t rest = size - a->kept_size;

	if (grown == NULL || recv(a->newcomer.fd, bytes + a->kept_size, rest, 0) != (ssize_t)rest) {
		a->kept = grown != NULL ? grown : a->kept;
		arrival_end(a, SOCKD_BY_ERROR);
		return;
	}
	memcpy(grown, bytes, size);
	a->kept = grown;
	a->kept_size = size;
}

static void
arrival_look_again(struct arrival *a)
{
	struct loop *loop = a->scope->loop;
	int64_t at_ms = loop_now_ms(loop) + LOOK_AGAIN_MS;

	event_del(&a->readable);
	loop_timer_set(loop, &a->timer, at_ms < a->header_by_ms ? at_ms : a->header_by_ms);
}

/* No header begins here: whoever need not send one is served as who it is. */
static void
arrival_without_header(struct arrival *a, enum guard_cause cause, const char *why)
{
	if (a->scope->listener->cfg->proxy.require)
		arrival_refuse_header(a, cause, why);
	else
		arrival_judge(a);
}

static void
arrival_read(struct arrival *a)
{
	uint8_t *bytes = a->scope->loop->buffer; /* nothing else of the loop runs meanwhile */
	struct proxy_header h;
	const char *why = "";
	ssize_t n;

	_Static_assert((int)PROXY_HEADER_MAX <= (int)LOOP_BUFFER_SIZE, "a header fits the loop's buffer");
	if (a->kept_size > 0)
		memcpy(bytes, a->kept, a->kept_size);
	n = recv(a->newcomer.fd, bytes + a->kept_size, PROXY_HEADER_MAX - a->kept_size, MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 && a->kept_size == 0) { /* a balancer that only looks whether the port is open */
		arrival_end(a, n == 0 ? SOCKD_BY_EOF : SOCKD_BY_RESET);
		return;
	}
	if (n <= 0) {
		arrival_refuse_header(a, GUARD_PROXY_HEADER, "the stream ended within it");
		return;
	}
	switch (proxy_header_parse(bytes, a->kept_size + (size_t)n, &h, &why)) {
	case PROXY_DONE:
		arrival_take_header(a, &h, bytes);
		break;
	case PROXY_MORE:
		arrival_keep(a, bytes, a->kept_size + (size_t)n);
		break;
	case PROXY_UNDECIDED:
		arrival_look_again(a);
		break;
	case PROXY_NONE:
		arrival_without_header(a, GUARD_PROXY_HEADER, "none was sent");
		break;
	case PROXY_BAD:
		arrival_refuse_header(a, GUARD_PROXY_HEADER, why);
		break;
	}
}

static void
arrival_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* the newcomer's; EV_READ */
	arrival_read(arg);
}

static void
arrival_await_header(struct arrival *a)
{
	struct loop *loop = a->scope->loop;

	a->reads = true;
	a->header_by_ms = loop_now_ms(loop) + a->scope->listener->cfg->proxy.timeout_ms;
	event_assign(&a->readable, loop->base, a->newcomer.fd, EV_READ | EV_PERSIST, arrival_on_readable, a);
	if (event_add(&a->readable, NULL) < 0) {
		arrival_end(a, SOCKD_BY_ERROR);
		return;
	}
	loop_timer_set(loop, &a->timer, a->header_by_ms);
	arrival_read(a); /* balancers send it at once: it is there already, most often */
}

/* ---- waiting ---- */

static void
arrival_on_timer(struct loop *loop, struct loop_timer *timer)
{
	struct arrival *a = container_of(timer, struct arrival, timer);

	if (!a->reads) {
		arrival_go_in(a);
	} else if (loop_now_ms(loop) < a->header_by_ms) {
		loop_timer_set(loop, &a->timer, a->header_by_ms);
		if (event_add(&a->readable, NULL) < 0)
			arrival_end(a, SOCKD_BY_ERROR);
	} else if (a->kept_size > 0) {
		arrival_refuse_header(a, GUARD_PROXY_TIMEOUT, "it did not come to its end in time");
	} else {
		arrival_without_header(a, GUARD_PROXY_TIMEOUT, "none came in time");
	}
}

bool
arrival_begin(struct scope *scope, const struct newcomer *n)
{
	struct loop *loop = scope->loop;
	struct arrival *a = mem_new(*a);

	if (a == NULL)
		return false;
	a->scope = scope;
	a->newcomer = *n;
	a->timer.fire = arrival_on_timer;
	a->next = loop->arrivals;
	a->link = &loop->arrivals;
	if (a->next != NULL)
		a->next->link = &a->next;
	loop->arrivals = a;
	scope_hold(scope);
	if (n->awaits_header)
		arrival_await_header(a);
	else
		arrival_wait_turn(a);
	return true;
}

void
arrivals_hurry(struct loop *loop)
{
	struct arrival *next;

	for (struct arrival *a = loop->arrivals; a != NULL; a = next) {
		next = a->next;
		if (!a->reads)
			arrival_go_in(a);
		else if (a->kept_size == 0)
			arrival_end(a, SOCKD_BY_DRAIN);
	}
}

void
arrivals_cut(struct loop *loop, int reason)
{
	while (loop->arrivals != NULL) {
		struct arrival *a = loop->arrivals;

		log_info("conn_refused", LOG_S("listener", a->scope->listener->cfg->name),
			LOG_S("reason", api_reason_name(reason)));
		arrival_end(a, reason);
	}
}
