/* A name is PREFIX.SOCKET.DEVICE.INODE.LISTENER. The socket's own number makes it unique, whatever a reload
 * does to listeners. Device and inode are those of a unix socket's file: nothing but CAP_NET_ADMIN lets a
 * process ask the kernel which file a socket is bound to, and a path may lead to somebody else's by now.
 * While the socket is open, the kernel gives that inode's number to no other file, so the comparison is
 * exact. The listener is for people, and for port 0, where the address does not say whose it is.
 *
 * All is settled before anything is bound: a socket that nobody wants keeps its address from those who do. */
#include "net/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "net/addr.h"
#include "net/options.h"
#include "net/passed.h"
#include "net/peer.h"
#include "net/transport.h"
#include "net/unix_file.h"

enum { NOBODY = -1 };

struct one {
	char *name;           /* owned */
	const char *listener; /* within name */
	int fd;               /* owned; -1: it was given away */
	int pin_fd;           /* owned: its file; -1: it has none */
	enum cfg_transport transport;
	struct sockaddr_storage local;
	socklen_t local_size;
	uint64_t device, inode;
	int for_listener, for_address; /* in the configuration; NOBODY */
	unsigned member;
	const char *why; /* it was not taken, a constant */
};

struct net_stored {
	struct one *items; /* owned */
	size_t count;
	struct net_files *files; /* owned: of those that were taken */
};

/* ---- names ---- */

bool
net_stored_has_file(const char *name)
{
	uint64_t inode = 0;

	return sscanf(name, CFG_STORED_PREFIX "%*u.%*u.%" SCNu64, &inode) == 1 && inode != 0;
}

/* What a descriptor's name may have: printable ASCII without the colon. */
static char
name_char(char c)
{
	return c > ' ' && c < 0x7f && c != ':' ? c : '_';
}

int
net_stored_name(const struct snapshot_socket *s, const char *listener, const struct net_files *files,
	char name[NET_STORED_NAME_SIZE])
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&s->local;
	bool has_file = s->local.ss_family == AF_UNIX && un->sun_path[0] != '\0';
	int pin = has_file ? net_files_pin(files, un->sun_path) : -1;
	struct stat socket, file = { 0 };
	size_t size;

	if (has_file && pin < 0)
		return -ENOENT;
	if (fstat(s->fd, &socket) < 0 || (has_file && fstat(pin, &file) < 0))
		return -errno;
	size = (size_t)snprintf(name, NET_STORED_NAME_SIZE, CFG_STORED_PREFIX "%ju.%ju.%ju.",
		(uintmax_t)socket.st_ino, (uintmax_t)file.st_dev, (uintmax_t)file.st_ino);
	while (*listener != '\0' && size < NET_STORED_NAME_SIZE - 1)
		name[size++] = name_char(*listener++);
	name[size] = '\0';
	return 0;
}

static bool
is_same_listener(const char *stored, const char *name)
{
	while (*stored != '\0' && *stored == name_char(*name))
		stored++, name++;
	return *stored == '\0' && *name == '\0';
}

/* ---- what came back ---- */

/* A name of another form comes from another sockd: it has no file that we would know again. */
static void
read_name(struct one *o)
{
	int end = 0;

	o->listener = "";
	if (sscanf(o->name, CFG_STORED_PREFIX "%*u.%" SCNu64 ".%" SCNu64 ".%n", &o->device, &o->inode,
		    &end) == 2 &&
		end > 0)
		o->listener = o->name + end;
}

static void
look_at(struct one *o)
{
	struct err e = { 0 };
	int transport = net_passed_identify(o->fd, o->name, &e);

	o->local_size = sizeof o->local;
	if (transport < 0 || getsockname(o->fd, (struct sockaddr *)&o->local, &o->local_size) < 0)
		o->why = "it is no socket that this sockd serves";
	else
		o->transport = (enum cfg_transport)transport;
}

int
net_stored_new(struct net_passed *passed, struct net_stored **ret)
{
	struct net_stored *s = mem_new(*s);
	const char *name;
	size_t count = 0;
	int fd;

	while (net_passed_get(passed, count, &name, &fd))
		count++;
	if (s != NULL) {
		s->items = calloc(count + 1, sizeof *s->items);
		s->files = net_files_new();
	}
	if (s == NULL || s->items == NULL || s->files == NULL) {
		net_stored_free(s);
		return -ENOMEM;
	}
	while (s->count < count) {
		struct one *o = &s->items[s->count];

		*o = (struct one){ .fd = -1, .pin_fd = -1, .for_listener = NOBODY, .for_address = NOBODY };
		if (!net_passed_take(passed, CFG_STORED_PREFIX, &o->name, &o->fd))
			break;
		read_name(o);
		look_at(o);
		s->count++;
	}
	*ret = s;
	return 0;
}

/* ---- who gets which ---- */

static in_port_t *
port_of(struct sockaddr_storage *a)
{
	/* The port stands at the same place in both. */
	return &((struct sockaddr_in *)a)->sin_port;
}

/* Port 0 stands for whatever the kernel chose for that listener. */
static bool
is_at(const struct one *o, const struct net_request *q, const struct endpoint *at)
{
	struct sockaddr_storage local = o->local, wanted = at->address;

	if (o->local_size != at->size)
		return false;
	if (wanted.ss_family != AF_UNIX && *port_of(&wanted) == 0) {
		if (!is_same_listener(o->listener, q->listener->name))
			return false;
		*port_of(&local) = 0;
	}
	return memcmp(&local, &wanted, at->size) == 0;
}

/* Its file, if the path still leads to it. */
static bool
pin_file(struct one *o)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&o->local;
	auto_of(fd) int pin = open(un->sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (pin < 0 || fstat(pin, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_dev != o->device ||
		st.st_ino != o->inode)
		return false;
	o->pin_fd = fd_take(&pin);
	return true;
}

/* What nobody can change any more. @return NULL, or why it does not do */
static const char *
judge(struct one *o, const struct net_request *q)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&o->local;

	if (o->local.ss_family == AF_UNIX)
		return un->sun_path[0] == '\0' || pin_file(o) ? NULL
							      : "its file is gone, or is another's by now";
	return options_are_bound(q, o->fd, &o->local, net_is_shared(q))
		       ? NULL
		       : "options that are set before a socket is bound have changed";
}

#define LESS_WANTED "fewer event loops are to read its address"
#define MORE_WANTED "more event loops are to read its address"

/* The sockets that one address is to have there: one, or those of a group. A group that is too large loses
 * some, one that is too small is made anew, for it could not be told from one that somebody else has. */
static void
claim(struct net_stored *s, const struct net_request *q, const struct endpoint *at)
{
	unsigned wanted = q->address->transport == CFG_UDP ? net_udp_members(q) : 1, found = 0;
	struct endpoint exactly = *at;
	const char *why = NULL;

	for (size_t i = 0; i < s->count; i++) {
		struct one *o = &s->items[i];

		if (o->why != NULL || o->for_listener != NOBODY || o->transport != q->address->transport ||
			!is_at(o, q, &exactly))
			continue;
		if (found == wanted) {
			o->why = LESS_WANTED;
			continue;
		}
		o->for_listener = (int)q->listener_index;
		o->for_address = (int)q->address_index;
		o->member = found++;
		exactly.address = o->local; /* port 0: what the first one has is everybody's */
		if (why == NULL)
			why = judge(o, q);
	}
	if (why == NULL && found != wanted)
		why = MORE_WANTED;
	for (size_t i = 0; i < s->count && why != NULL; i++) {
		struct one *o = &s->items[i];

		if (o->for_listener == (int)q->listener_index && o->for_address == (int)q->address_index &&
			is_at(o, q, &exactly))
			o->why = why;
	}
}

static void
claim_address(struct net_stored *s, const struct net_request *q)
{
	struct resolved r = { 0 };
	struct err e = { 0 };

	if (q->address->transport == CFG_UNIX || q->address->transport == CFG_UNIXGRAM) {
		if (unix_file_name(q->address, &r.items[0]) < 0)
			return;
		r.count = 1;
	} else if (q->address->transport == CFG_PASSED || net_resolve(q->address, &r, &e) < 0) {
		return; /* what is wrong is told when it is to be bound */
	}
	for (size_t i = 0; i < r.count; i++)
		claim(s, q, &r.items[i]);
}

static void
one_fini(struct one *o)
{
	cleanup_fd(&o->fd);
	cleanup_fd(&o->pin_fd);
	free(o->name);
}

static void
refuse(struct one *o, net_stored_refused_fn *refused, void *arg)
{
	char url[NET_ADDR_TEXT_SIZE] = "";

	if (o->transport != CFG_PASSED)
		net_url_text(o->transport, &o->local, o->local_size, url, sizeof url);
	refused(arg, o->name, url, o->why != NULL ? o->why : "no listener has this address");
	one_fini(o);
}

void
net_stored_match(struct net_stored *s, const struct config *config, unsigned loops,
	net_stored_refused_fn *refused, void *arg)
{
	size_t left = 0;

	for (unsigned i = 0; s->count > 0 && i < config->listener_count; i++)
		for (unsigned k = 0; k < config->listeners[i].address_count; k++)
			claim_address(s, &(struct net_request){ .listener = &config->listeners[i],
						 .address = &config->listeners[i].addresses[k],
						 .listener_index = i,
						 .address_index = k,
						 .loops = loops });
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].for_listener != NOBODY && s->items[i].why == NULL)
			s->items[left++] = s->items[i];
		else
			refuse(&s->items[i], refused, arg);
	}
	s->count = left;
}

const char *
net_stored_get(const struct net_stored *s, size_t i)
{
	return i < s->count ? s->items[i].name : NULL;
}

/* ---- handing out ---- */

static int
set_options(struct net_stored *s, struct one *o, const struct net_request *q, struct err *e)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&o->local;
	int code = net_passed_options(q, o->fd, o->transport, e);

	if (code == 0 && o->transport == CFG_UNIXGRAM && net_peer_want(o->fd) < 0)
		code = err_errno(e, "cannot learn who sends to '%s'", q->listener->name);
	if (code == 0 && o->pin_fd >= 0)
		code = unix_file_give_rights(q, o->pin_fd, e);
	/* On a socket that listens it only changes how many may wait. */
	if (code == 0 && !cfg_transport_is_datagram(o->transport) && listen(o->fd, q->listener->backlog) < 0)
		code = err_errno(e, "cannot change 'backlog'");
	if (code == 0 && o->pin_fd >= 0 && net_files_reserve(s->files, un->sun_path) < 0)
		code = err_set(e, -ENOMEM, "out of memory");
	if (code == 0 && o->pin_fd >= 0)
		net_files_add(s->files, fd_take(&o->pin_fd));
	return code;
}

int
net_stored_take(struct net_stored *s, const struct net_request *q, const struct endpoint *at, struct err *e)
{
	int found = 0;

	for (size_t i = 0; s != NULL && i < s->count; i++) {
		struct one *o = &s->items[i];
		int code;

		if (o->fd < 0 || o->for_listener != (int)q->listener_index ||
			o->for_address != (int)q->address_index || !is_at(o, q, at))
			continue;
		code = set_options(s, o, q, e);
		if (code == 0)
			code = net_sockets_add(q, o->transport, o->member, fd_take(&o->fd), e);
		if (code < 0)
			return code;
		found = 1;
	}
	return found;
}

int
net_stored_commit(struct net_stored *s, struct net_files *files)
{
	if (net_files_make_room(files, s->files) < 0)
		return -ENOMEM;
	net_files_join(files, s->files);
	s->files = NULL;
	return 0;
}

void
net_stored_free(struct net_stored *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		one_fini(&s->items[i]);
	free(s->items);
	net_files_leave(s->files);
	free(s);
}
