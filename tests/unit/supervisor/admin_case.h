/* What the tests of the admin socket share: a host that plays a service of two workers, and clients. */
#ifndef TESTS_ADMIN_CASE_H
#define TESTS_ADMIN_CASE_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "net/files.h"
#include "supervisor/admin.h"
#include "unit.h"

enum { PAGE_ROWS = 100, BIG_ROW = 1000 };

/* The host's side. Worker 2 has two pages of connections, worker 1 one row; or, if endless, pages without
 * end. */
static struct fake {
	unsigned asked;
	char orders[16];
	char request[512];
	bool ending, endless, dead;
	int64_t open;
	admin_answer_fn *kept; /* an answer that the test gives later */
	void *kept_arg;
	bool keep;
	bool unknown; /* there is no listener of that name */
	enum snapshot_hold held;
	uint64_t steps;
} fake;

static struct event_base *base;
static struct admin *admin;
static struct sockaddr_un where;
static socklen_t where_size;

static inline json_t *
fake_status(void *arg)
{
	ck_assert_ptr_eq(arg, &fake);
	return json_pack("{s:s}", "state", "serving");
}

static inline json_t *
fake_listeners(void *arg)
{
	(void)arg;
	return json_pack("[{s:s, s:[s]}]", "name", "echo", "addresses", "tcp://127.0.0.1:7");
}

static inline void
fake_metrics(void *arg, struct strbuf *out)
{
	(void)arg;
	strbuf_add(out, "sockd_x 1\n");
}

static inline void
fake_order(void *arg, enum signal_order order, const char *by)
{
	size_t n = strlen(fake.orders);

	(void)arg;
	ck_assert_str_eq(by, "sockctl");
	fake.orders[n] = (char)('0' + order);
	fake.ending = order == SIGNAL_DRAIN || order == SIGNAL_STOP;
}

static inline bool
fake_draining(void *arg, int64_t *ret_open, int64_t *ret_at_start, int64_t *ret_left_ms)
{
	(void)arg;
	*ret_open = fake.open;
	*ret_at_start = 7;
	*ret_left_ms = 18000;
	return fake.ending;
}

static inline size_t
fake_workers(void *arg, unsigned generations[ADMIN_WORKERS_MAX])
{
	(void)arg;
	generations[0] = 2;
	generations[1] = 1;
	return 2;
}

static inline void
answer_connections(unsigned generation, json_t *from, admin_answer_fn *answer, void *arg)
{
	json_t *rows = json_array(), *page = json_pack("{s:o}", "rows", rows);
	char *text, filler[BIG_ROW] = "";

	memset(filler, 'x', sizeof filler - 1);
	for (int i = 0; i < (generation == 2 && fake.endless ? PAGE_ROWS : 1); i++)
		json_array_append_new(
			rows, json_pack("{s:i, s:s}", "id", 5, "filler", fake.endless ? filler : ""));
	if (generation == 2 && (from == NULL || fake.endless))
		json_object_set_new(page, "next", json_pack("{s:i, s:i}", "loop", 1, "slot", 0));
	text = json_dumps(page, JSON_COMPACT);
	answer(arg, 0, text);
	free(text);
	json_decref(page);
}

static inline void
fake_ask(void *arg, unsigned generation, const char *request, admin_answer_fn *answer, void *answer_arg)
{
	json_t *parsed = json_loads(request, 0, NULL);
	const char *ask = json_string_value(json_object_get(parsed, "ask"));

	(void)arg;
	fake.asked++;
	snprintf(fake.request, sizeof fake.request, "%u %s", generation, request);
	if (fake.keep) {
		fake.kept = answer;
		fake.kept_arg = answer_arg;
	} else if (fake.dead && generation == 2)
		answer(answer_arg, -ESRCH, "gone");
	else if (strcmp(ask, "connections") == 0 || strcmp(ask, "kill") == 0)
		answer_connections(generation, json_object_get(parsed, "from"), answer, answer_arg);
	else if (strcmp(ask, "listeners") == 0)
		answer(answer_arg, 0,
			generation == 2
				? "{\"rows\":[{\"name\":\"echo\",\"open\":3,\"limit\":9,\"plugin\":\"new\"}]}"
				: "{\"rows\":[{\"name\":\"echo\",\"open\":4,\"limit\":9,\"plugin\":\"old\"},"
				  "{\"name\":\"gone\",\"open\":1}]}");
	else if (strcmp(ask, "metrics") == 0 && generation == 1)
		answer(answer_arg, 0,
			"{\"rows\":[{\"plugin\":\"p\",\"listener\":\"l\",\"name\":\"n\",\"counter\":true,"
			"\"help\":\"H\",\"value\":3}]}");
	else if (strcmp(ask, "log-level") == 0 ||
		 (strstr(request, "\"argument\":\"echo\"") != NULL && !fake.unknown))
		answer(answer_arg, 0, "{}");
	else
		answer(answer_arg, -EINVAL, "no such question");
	json_decref(parsed);
}

static inline void
fake_reload(void *arg, bool dry, admin_answer_fn *answer, void *answer_arg)
{
	(void)arg;
	if (fake.keep) {
		fake.kept = answer;
		fake.kept_arg = answer_arg;
	} else if (fake.dead)
		answer(answer_arg, -EINVAL, "a.yaml:1:2: error: bad\na.yaml:3:4: error: worse\n");
	else
		answer(answer_arg, 0, dry ? "{\"text\":\"all would be new\"}" : "{\"text\":\"all is new\"}");
}

static inline void
fake_upgrade(void *arg, admin_answer_fn *answer, void *answer_arg)
{
	fake_reload(arg, false, answer, answer_arg);
}

static inline uint64_t
fake_steps(void *arg)
{
	(void)arg;
	return fake.steps;
}

static inline json_t *
fake_certs(void *arg)
{
	(void)arg;
	return json_pack("[{s:s, s:i}]", "subject", "CN=site", "days_left", 30);
}

static inline int
fake_hold(void *arg, const char *listener, enum snapshot_hold hold)
{
	(void)arg;
	ck_assert_str_eq(listener, "echo");
	fake.held = hold;
	return 0;
}

static const struct admin_host host = {
	.status = fake_status,
	.listeners = fake_listeners,
	.certs = fake_certs,
	.metrics = fake_metrics,
	.hold = fake_hold,
	.order = fake_order,
	.draining = fake_draining,
	.workers = fake_workers,
	.ask = fake_ask,
	.reload = fake_reload,
	.upgrade = fake_upgrade,
	.steps = fake_steps,
};

static inline void
prepare(void)
{
	struct admin_socket s = { .group = (gid_t)-1, .url = strdup("unix:@x"), .files = net_files_new() };
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN); /* as in the daemon */
	fake = (struct fake){ .open = 3 };
	base = event_base_new();
	s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	where = (struct sockaddr_un){ .sun_family = AF_UNIX };
	ck_assert_int_eq(
		bind(s.fd, (struct sockaddr *)&where, sizeof where.sun_family), 0); /* the kernel's choice */
	where_size = sizeof where;
	ck_assert_int_eq(getsockname(s.fd, (struct sockaddr *)&where, &where_size), 0);
	ck_assert_int_eq(listen(s.fd, 64), 0);
	ck_assert_int_eq(admin_new(base, &s, &host, &fake, &admin, &e), 0);
}

static inline void
finish(void)
{
	admin_free(admin);
	event_base_free(base);
}

static inline int
client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&where, where_size), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static inline void
turn(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static inline void
say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	turn();
}

/* What has come for the client. */
static inline char *
heard(int fd)
{
	static char text[1 << 20];
	size_t size = 0;
	ssize_t n;

	while ((n = read(fd, text + size, sizeof text - 1 - size)) > 0)
		size += (size_t)n;
	text[size] = '\0';
	return text;
}

/* Say it as a client of its own, and hear the answer. */
static inline char *
ask(const char *request)
{
	int fd = client();
	char *text;

	say(fd, request);
	text = heard(fd);
	close(fd);
	turn();
	return text;
}

#endif
