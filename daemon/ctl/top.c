/* Each look is a connection of its own, so a daemon that is started anew, or another one that takes over, is
 * seen at the next one; meanwhile the screen says why it stands still.
 *
 * The terminal is given back as it was, also after an end signal: these only set a flag that the wait looks
 * at. */
#include "ctl/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "ctl/client.h"
#include "ctl/top_frame.h"

/* ECMA-48, and the private modes that every terminal since xterm knows. */
#define SCREEN_ENTER "\033[?1049h\033[?25l"
#define SCREEN_LEAVE "\033[?25h\033[?1049l"
#define SCREEN_HOME  "\033[H"
#define LINE_REST    "\033[K"
#define SCREEN_REST  "\033[J"

enum { EVERY_MS = 1000, ROWS = 24, COLUMNS = 80 };

struct top {
	const char *path;
	int timeout_ms;
	int64_t every_ms, count; /* count 0: without end */
	bool batch;
	struct termios before;
};

static volatile sig_atomic_t ended;

static void
on_end(int number)
{
	(void)number;
	ended = 1;
}

/* ---- looking ---- */

static int
question(const struct top *t, const char *verb, json_t **ret_done, json_t *rows, struct err *e)
{
	json_t *request = json_pack("{s:s}", "verb", verb), *line = NULL;
	struct client *client = NULL;
	int code = client_open(t->path, t->timeout_ms, &client, e);

	if (code == 0)
		code = client_send(client, request, e);
	json_decref(request);
	while (code == 0 && *ret_done == NULL) {
		code = client_receive(client, &line, e);
		if (code < 0)
			break;
		if (json_object_get(line, "error") != NULL)
			code = err_set(e, json_is_true(json_object_get(line, "denied")) ? -EACCES : -EPROTO,
				"%s", json_string_value(json_object_get(line, "error")));
		if (json_object_get(line, "row") != NULL)
			json_array_append(rows, json_object_get(line, "row"));
		*ret_done = json_incref(json_object_get(line, "done"));
		json_decref(line);
	}
	client_close(client);
	return code;
}

static int
look(const struct top *t, struct top_look *ret, struct err *e)
{
	json_t *done = NULL;
	int code;

	*ret = (struct top_look){ .listeners = json_array() };
	if (ret->listeners == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	code = question(t, "status", &ret->status, NULL, e);
	if (code == 0)
		code = question(t, "listeners", &done, ret->listeners, e);
	json_decref(done);
	ret->at_ms = clock_now_ms();
	if (code < 0)
		top_look_fini(ret);
	return code;
}

/* ---- the screen ---- */

/* So many bytes of a line, which ends at @p size, are as many characters as the screen is wide. */
static size_t
cut(const char *line, size_t size, size_t columns)
{
	size_t i = 0;

	for (size_t seen = 0; i < size; i++) {
		bool begins = ((unsigned char)line[i] & 0xc0) != 0x80;

		if (begins && seen++ == columns)
			break;
	}
	return i;
}

static void
draw(const char *text)
{
	struct winsize w;
	unsigned row = 0;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_row == 0 || w.ws_col == 0)
		w = (struct winsize){ .ws_row = ROWS, .ws_col = COLUMNS };
	fputs(SCREEN_HOME, stdout);
	for (; *text != '\0' && row + 1 < w.ws_row; row++) {
		size_t size = strcspn(text, "\n");

		fwrite(text, 1, cut(text, size, w.ws_col), stdout);
		fputs(LINE_REST "\n", stdout);
		text += size + (text[size] == '\n');
	}
	fputs(SCREEN_REST, stdout);
	fflush(stdout);
}

static int
show(const struct top *t, const struct top_look *before, const struct top_look *now, struct err *e)
{
	auto_of(mem) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int code = out != NULL ? top_frame_print(before, now, out) : -ENOMEM;

	if (out != NULL && fclose(out) != 0)
		code = -ENOMEM;
	if (code < 0)
		return err_set(e, code, "out of memory");
	if (t->batch)
		printf("%s\n", text);
	else
		draw(text);
	fflush(stdout);
	return 0;
}

static int
screen_begin(struct top *t, struct err *e)
{
	struct sigaction end = { .sa_handler = on_end }; /* without SA_RESTART: the wait is to end */
	struct termios now;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &t->before) < 0)
		return err_set(e, -EINVAL, "top needs a terminal; --batch prints what it would show");
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	now = t->before;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &now);
	fputs(SCREEN_ENTER, stdout);
	return 0;
}

static void
screen_end(const struct top *t)
{
	fputs(SCREEN_LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
}

/* Until it is time for the next look. @return false: it is over */
static bool
wait_for_turn(const struct top *t)
{
	struct pollfd keys = { .fd = t->batch ? -1 : STDIN_FILENO, .events = POLLIN };
	int64_t until = clock_now_ms() + t->every_ms, left;
	char key;

	while (ended == 0 && (left = until - clock_now_ms()) > 0) {
		if (poll(&keys, 1, (int)left) <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q')
			return false;
	}
	return ended == 0;
}

/* ---- the whole ---- */

/* Pictures of one interval after the other; the first look only begins it. A screen outlives a daemon. */
static int
watch(const struct top *t, struct top_look *before, struct err *e)
{
	int code = t->batch ? 0 : show(t, before, before, e);

	for (int64_t shown = 0; code == 0 && (t->count == 0 || shown < t->count) && wait_for_turn(t);
		shown++) {
		struct top_look now;

		code = look(t, &now, e);
		if (code < 0 && !t->batch) {
			draw(e->text);
			code = 0;
			continue;
		}
		if (code < 0)
			break;
		code = show(t, before, &now, e);
		top_look_fini(before);
		*before = now;
	}
	return code;
}

static int64_t
option(const struct command *c, const char *member, int64_t fallback)
{
	json_t *value = json_object_get(c->request, member);

	return value != NULL ? json_integer_value(value) : fallback;
}

int
top_run(const struct command *c, const char *path, struct err *e)
{
	struct top t = { .path = path,
		.timeout_ms = c->timeout_ms,
		.every_ms = option(c, "every_ms", EVERY_MS),
		.batch = json_object_get(c->request, "batch") != NULL };
	struct top_look first;
	int code;

	if (c->json)
		return err_set(
			e, -EINVAL, "top has no JSON form; 'sockctl --json listeners' has the counters");
	t.count = option(c, "count", t.batch ? 1 : 0);
	code = look(&t, &first, e);
	if (code < 0)
		return code;
	if (!t.batch)
		code = screen_begin(&t, e);
	if (code == 0) {
		code = watch(&t, &first, e);
		if (!t.batch)
			screen_end(&t);
	}
	top_look_fini(&first);
	return code;
}
