/* Clients are few and trusted, but a script that forgets to read, or never stops writing, must not cost the
 * daemon more than it is worth: so many clients, so long a line, so much output, and a minute of silence. A
 * verb with a long answer asks for its next part only when the client has taken the last one.
 *
 * One request of a client is carried out at a time; what it sends meanwhile waits in its socket. */
#include "supervisor/admin.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/peer.h"
#include "supervisor/admin_client.h"

enum { PROGRESS_MS = 1000, RETRY_MS = 1000, STEP_TICKS = 10 };

/* ---- requests ---- */

void
admin_client_look_again(struct admin_client *c)
{
	event_active(c->again, EV_READ, 0);
}

void
admin_watch_progress(struct admin *a)
{
	static const struct timeval every = { .tv_sec = PROGRESS_MS / 1000 };

	event_add(a->tick, &every); /* without memory there is no progress to see, only the end */
}

static const struct admin_verb *
find_verb(const char *name)
{
	for (size_t i = 0; name != NULL && i < admin_verb_count; i++)
		if (strcmp(admin_verbs[i].name, name) == 0)
			return &admin_verbs[i];
	return NULL;
}

static void
refuse(struct admin_client *c, const char *text)
{
	json_t *error = json_string(text);

	admin_client_say(c, "error", error);
	json_decref(error);
}

static void
client_request(struct admin_client *c, const char *line, size_t size)
{
	json_error_t where;
	json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, &where);
	const char *name = json_string_value(json_object_get(request, "verb"));
	const struct admin_verb *verb = find_verb(name);
	struct admin_call *call = verb != NULL ? mem_new(*call) : NULL;
	char text[256];

	if (call != NULL) {
		*call = (struct admin_call){ .client = c,
			.host = c->admin->host,
			.host_arg = c->admin->host_arg,
			.request = request,
			.holds = 1 };
		c->call = call;
		log_debug("admin_request", LOG_S("verb", verb->name));
		verb->run(call);
		admin_release(call);
		return;
	}
	if (request == NULL)
		snprintf(text, sizeof text, "not a JSON object: %s", where.text);
	else if (name == NULL)
		snprintf(text, sizeof text, "a request is an object with a member \"verb\"");
	else
		snprintf(text, sizeof text,
			verb == NULL ? "this sockd does not know the verb '%.60s'" : "out of memory", name);
	json_decref(request);
	refuse(c, text);
}

static bool
client_is_idle(const struct admin_client *c)
{
	return c->call == NULL && evbuffer_get_length(bufferevent_get_output(c->bev)) == 0;
}

static void
client_free(struct admin_client *c)
{
	struct admin_call *call = c->call;

	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	c->admin->client_count--;
	if (call != NULL) {
		call->client = NULL;
		call->over = true; /* whoever still holds it finds nobody */
		admin_call_unref(call);
	}
	event_free(c->again);
	bufferevent_free(c->bev);
	free(c);
}

/* Carry out the next request that is there. */
static void
client_next(struct admin_client *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	size_t size;
	char *line;

	if (c->call != NULL)
		return;
	line = evbuffer_readln(input, &size, EVBUFFER_EOL_LF);
	if (line != NULL) {
		client_request(c, line, size);
		free(line);
		if (c->call == NULL)
			admin_client_look_again(c);
		return;
	}
	if (!c->closing && evbuffer_get_length(input) >= ADMIN_LINE_MAX) {
		refuse(c, "the request is too long");
		c->closing = true;
	}
	if (c->closing && client_is_idle(c))
		client_free(c);
}

/* ---- clients ---- */

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* no descriptor's */
	client_next(arg);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)bev; /* the client's */
	client_next(arg);
}

/* The client has taken what was there for it. */
static void
on_write(struct bufferevent *bev, void *arg)
{
	struct admin_client *c = arg;
	struct admin_call *call = c->call;

	(void)bev;
	if (call != NULL && call->resume != NULL) {
		void (*resume)(struct admin_call *) = call->resume;

		call->resume = NULL;
		admin_hold(call);
		resume(call);
		admin_release(call);
	} else if (c->closing && client_is_idle(c))
		client_free(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct admin_client *c = arg;

	if ((what & BEV_EVENT_TIMEOUT) != 0 && (what & BEV_EVENT_READING) != 0 && c->call != NULL) {
		bufferevent_enable(bev, EV_READ); /* it listens, and has nothing to say */
		return;
	}
	if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0) {
		c->closing = true; /* it has asked for all it wants: answer, then close */
		admin_client_look_again(c);
		return;
	}
	client_free(c);
}

struct admin_client *
admin_client_new(struct admin *a, int fd)
{
	static const struct timeval patience = { .tv_sec = ADMIN_PATIENCE_MS / 1000 };
	struct bufferevent *bev = bufferevent_socket_new(a->base, fd, BEV_OPT_CLOSE_ON_FREE);
	struct admin_client *c = bev != NULL ? mem_new(*c) : NULL;
	struct event *again = c != NULL ? event_new(a->base, -1, 0, on_again, c) : NULL;

	if (again == NULL) {
		free(c);
		if (bev != NULL)
			bufferevent_free(bev);
		else
			close(fd);
		return NULL;
	}
	*c = (struct admin_client){
		.admin = a, .bev = bev, .again = again, .next = a->clients, .link = &a->clients
	};
	if (a->clients != NULL)
		a->clients->link = &c->next;
	a->clients = c;
	a->client_count++;
	bufferevent_setcb(bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(bev, EV_READ, 0, ADMIN_LINE_MAX);
	bufferevent_setwatermark(bev, EV_WRITE, ADMIN_OUTPUT_MAX / 2, 0);
	bufferevent_set_timeouts(bev, &patience, &patience);
	return c;
}

void
admin_client_begin(struct admin_client *c)
{
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void
welcome(struct admin *a, int fd)
{
	struct admin_client *c = admin_client_new(a, fd);

	if (c != NULL)
		admin_client_begin(c);
}

static void
turn_away(int fd, const char *line)
{
	(void)send(fd, line, strlen(line),
		MSG_NOSIGNAL | MSG_DONTWAIT); /* it is closed, whether it hears why or not */
	close(fd);
}

static void
tell_denied(struct admin *a, int fd)
{
	struct net_peer peer = { .uid = (uid_t)-1 };
	uint64_t missed;

	if (!log_repeat_allows(&a->denied, clock_now_ms(), PROGRESS_MS, &missed))
		return;
	if (net_peer_get(fd, &peer) < 0)
		peer.pid = 0;
	log_info(
		"admin_denied", LOG_I("uid", (int)peer.uid), LOG_I("pid", peer.pid), LOG_U("missed", missed));
}

static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	static const struct timeval later = { .tv_sec = RETRY_MS / 1000 };
	struct admin *a = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		event_del(a->accept); /* for want of descriptors or of rights: it would be readable again at
					 once */
		event_add(a->retry, &later);
	}
	if (fd < 0)
		return;
	if (!admin_socket_admits(&a->socket, fd)) {
		tell_denied(a, fd);
		turn_away(fd, "{\"error\":\"permission denied: only root, the user that sockd runs as, and "
			      "members of "
			      "daemon.admin.group may use this socket\",\"denied\":true}\n");
	} else if (a->client_count >= ADMIN_CLIENTS_MAX)
		turn_away(fd, "{\"error\":\"too many clients on the admin socket; try again\"}\n");
	else
		welcome(a, fd);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct admin *a = arg;

	(void)fd, (void)what;
	event_add(a->accept, NULL);
}

/* @return whether somebody waits for the end of a drain */
static bool
tell_of_drain(struct admin *a)
{
	int64_t open, at_start, left_ms;
	bool waits = false;

	if (!a->host->draining(a->host_arg, &open, &at_start, &left_ms))
		return false;
	for (struct admin_client *c = a->clients; c != NULL; c = c->next) {
		json_t *progress;

		if (!c->waits_for_end)
			continue;
		waits = true;
		progress = json_pack("{s:I, s:I, s:I}", "open", (json_int_t)open, "at_start",
			(json_int_t)at_start, "left_ms", (json_int_t)left_ms);
		admin_progress(c->call, progress);
	}
	return waits;
}

/* Now and then, so that whoever waits for one that takes long does not take us for dead. What has not come
 * any further is not told, and may be given up. @return whether somebody waits for a reload or an upgrade */
static bool
tell_of_steps(struct admin *a)
{
	uint64_t steps = a->host->steps(a->host_arg);
	bool waits = false, tells = ++a->ticks % STEP_TICKS == 0 && steps != a->steps_told;
	json_t *step = tells ? json_integer((json_int_t)steps) : NULL;

	for (struct admin_client *c = a->clients; c != NULL; c = c->next) {
		if (c->call == NULL || !c->call->waits_for_steps)
			continue;
		waits = true;
		if (step != NULL)
			admin_client_say(c, "step", step);
	}
	if (tells)
		a->steps_told = steps;
	json_decref(step);
	return waits;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct admin *a = arg;
	bool drain = tell_of_drain(a), steps = tell_of_steps(a);

	(void)fd, (void)what;
	if (!drain && !steps)
		event_del(a->tick);
}

/* ---- the whole ---- */

static int
admin_listen(struct admin *a)
{
	a->tick = event_new(a->base, -1, EV_PERSIST, on_tick, a);
	a->retry = event_new(a->base, -1, 0, on_retry, a);
	if (a->tick == NULL || a->retry == NULL)
		return -ENOMEM;
	if (a->socket.fd < 0)
		return 0;
	a->accept = event_new(a->base, a->socket.fd, EV_READ | EV_PERSIST, on_accept, a);
	return a->accept != NULL && event_add(a->accept, NULL) == 0 ? 0 : -ENOMEM;
}

int
admin_new(struct event_base *base, struct admin_socket *socket, const struct admin_host *host, void *arg,
	struct admin **ret, struct err *e)
{
	struct admin *a = mem_new(*a);

	if (a == NULL) {
		admin_socket_fini(socket);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*a = (struct admin){ .base = base, .socket = *socket, .host = host, .host_arg = arg };
	*socket = (struct admin_socket){ .fd = -1 };
	if (admin_listen(a) < 0) {
		admin_free(a);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*ret = a;
	return 0;
}

const struct admin_socket *
admin_socket_of(const struct admin *a)
{
	return &a->socket;
}

void
admin_announce(const struct admin *a)
{
	if (a->socket.fd >= 0)
		log_notice("admin", LOG_S("address", a->socket.url));
}

/* Nothing turns the event base any more, so what it would have sent is sent here. */
static void
client_flush(struct admin_client *c)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);
	size_t size = evbuffer_get_length(output);
	const unsigned char *bytes = size > 0 ? evbuffer_pullup(output, -1) : NULL;

	if (bytes != NULL)
		(void)send(bufferevent_getfd(c->bev), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
admin_over(struct admin *a, uint64_t drained, uint64_t forced)
{
	for (struct admin_client *c = a->clients; c != NULL; c = c->next) {
		if (c->waits_for_end)
			admin_done(c->call, json_pack("{s:I, s:I}", "drained", (json_int_t)drained, "forced",
						    (json_int_t)forced));
		client_flush(c);
	}
}

void
admin_free(struct admin *a)
{
	if (a == NULL)
		return;
	while (a->clients != NULL)
		client_free(a->clients);
	if (a->accept != NULL)
		event_free(a->accept);
	if (a->retry != NULL)
		event_free(a->retry);
	if (a->tick != NULL)
		event_free(a->tick);
	admin_socket_fini(&a->socket);
	free(a);
}
