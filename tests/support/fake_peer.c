/* Others that a plugin connects to: a peer is a struct sockd_fake as well, without a plugin, whose queues the
 * test fills and empties. It belongs to the fake whose plugin dials. */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
transport_of(const char *url)
{
	return strncmp(url, "udp", 3) == 0                                   ? SOCKD_UDP
	       : strncmp(url, "unix", 4) == 0 || strncmp(url, "fd:", 3) == 0 ? SOCKD_UNIX
									     : SOCKD_TCP;
}

/* A descriptor that the plugin hands over goes to whoever was announced for all of them. */
static const char *
announced_as(const char *url)
{
	return strncmp(url, "fd:", 3) == 0 ? "fd:" : url;
}

struct sockd_fake *
sockd_fake_peer(struct sockd_fake *f, const char *url)
{
	struct sockd_fake *p = calloc(1, sizeof *p), **at = &f->root->next_peer;

	if (p == NULL)
		return NULL;
	p->root = f->root;
	p->transport = transport_of(url);
	p->fd = -1;
	p->room = f->root->room;
	p->read_buffer = f->root->read_buffer;
	p->url = strdup(url);
	if (p->url == NULL) {
		free(p);
		return NULL;
	}
	while (*at != NULL)
		at = &(*at)->next_peer;
	*at = p;
	return p;
}

void
fake_peer_end(struct sockd_fake *p, int reason)
{
	const struct sockd_events *events = p->events;

	if (!p->open)
		return;
	p->reason = reason;
	p->ending = true;
	fake_fibers_end(p);
	p->gone = true;
	p->closes++;
	if (events != NULL && events->close != NULL) {
		errno = p->refusal;
		events->close(sockd_fake_conn(p), reason);
	}
	p->open = p->gone = p->ending = p->broken = false;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	fake_timers_end(p);
}

void
fake_peers_end(struct sockd_fake *root, bool all)
{
	for (struct sockd_fake *p = root->next_peer; p != NULL; p = p->next_peer)
		if (all || fake_is_conn_scope(p->dialled_by))
			fake_peer_end(p, SOCKD_BY_HANDLER);
}

void
fake_peers_free(struct sockd_fake *root)
{
	while (root->next_peer != NULL) {
		struct sockd_fake *p = root->next_peer;

		root->next_peer = p->next_peer;
		fake_queue_fini(&p->in);
		fake_queue_fini(&p->out);
		free(p->url);
		free(p);
	}
}

static struct sockd_fake *
find(struct sockd_fake *root, const char *url)
{
	for (struct sockd_fake *p = root->next_peer; p != NULL; p = p->next_peer) {
		if (strcmp(p->url, url) != 0 || (p->open && !p->closing))
			continue;
		fake_peer_end(p, SOCKD_BY_HANDLER);
		return p;
	}
	return NULL;
}

static struct sockd_conn
fail(int error)
{
	errno = error;
	return (struct sockd_conn){ NULL, 0 };
}

static bool
can_be_dialled(const char *url)
{
	static const char *const schemes[] = { "tcp://", "udp://", "unix://", "fd:" };

	for (size_t i = 0; url != NULL && i < sizeof schemes / sizeof schemes[0]; i++)
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

/* @return the number of fd:N, -1 for another URL, -2 for what is no descriptor */
static int
descriptor_of(const char *url)
{
	char *end;
	long fd;

	if (strncmp(url, "fd:", 3) != 0)
		return -1;
	fd = strtol(url + 3, &end, 10);
	return end > url + 3 && *end == '\0' && fcntl((int)fd, F_GETFD) >= 0 ? (int)fd : -2;
}

static void
begin(struct sockd_fake *p, struct sockd_host h, const struct sockd_dial_options *o, int refusal)
{
	p->dialled_by = h.ref;
	p->id = ++p->root->last_id;
	p->open = true;
	p->eof_told = p->paused = p->read_closed = p->write_closed = p->armed = p->closing = false;
	p->opened = p->broken = false;
	p->reason = 0;
	p->refusal = refusal;
	p->events = o != NULL ? o->events : NULL;
	p->data = o != NULL ? o->data : NULL;
}

struct sockd_conn
fake_dial(struct sockd_host h, const char *url, const struct sockd_dial_options *o)
{
	struct sockd_fake *root = fake_scope_of_loop(h), *p;
	bool events = o != NULL && o->events != NULL;
	int refusal = 0, fd;

	if (root == NULL)
		return fail(errno);
	root = root->root;
	if (!events && root->current == NULL)
		return fail(EDEADLK);
	if (!events && fake_is_cancelled(root))
		return fail(ECANCELED);
	if (!can_be_dialled(url))
		return fail(EINVAL);
	fd = descriptor_of(url);
	if (fd == -2)
		return fail(EBADF);
	if (fake_fails(root, SOCKD_FAKE_DIAL) < 0)
		refusal = errno;
	p = find(root, announced_as(url));
	if (p == NULL && refusal == 0)
		refusal = fd >= 0 ? ENOTSUP : ECONNREFUSED;
	if (refusal != 0 && !events)
		return fail(refusal);
	if (p == NULL)
		p = sockd_fake_peer(root, url);
	if (p == NULL)
		return fail(ENOMEM);
	begin(p, h, o, refusal);
	if (refusal == 0)
		p->fd = fd;
	return sockd_fake_conn(p);
}

/* ---- event style ---- */

static bool
open_or_refuse(struct sockd_fake *p)
{
	struct sockd_conn c = sockd_fake_conn(p);

	if (p->opened)
		return false;
	p->opened = true;
	if (p->refusal != 0)
		fake_peer_end(p, SOCKD_BY_ERROR);
	else if (p->events->open != NULL)
		p->events->open(c, sockd_conn_reader(c), sockd_conn_writer(c));
	return true;
}

/* @return whether there was something to do */
static bool
peer_step(struct sockd_fake *p)
{
	bool any = false;

	if (p->open && p->closing) {
		fake_peer_end(p, p->closing_reason);
		return true;
	}
	if (!p->open || p->events == NULL)
		return false;
	if (p->broken) {
		fake_peer_end(p, SOCKD_BY_RESET);
		return true;
	}
	if (open_or_refuse(p))
		return true;
	any = fake_stream_events(
		p, &(const struct fake_entries){ p->events->data, p->events->eof, p->events->writable });
	if (p->open && p->eof_told && p->events->eof == NULL)
		fake_peer_end(p, SOCKD_BY_EOF);
	return any;
}

bool
fake_peers_step(struct sockd_fake *root)
{
	bool any = false;

	for (struct sockd_fake *p = root->next_peer; p != NULL; p = p->next_peer)
		any = peer_step(p) || any;
	return any;
}
