/* A member that is not there (an older daemon) is left out, never guessed. */
#include "ctl/show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "ctl/table.h"

static long long
number(json_t *object, const char *member)
{
	return (long long)json_integer_value(json_object_get(object, member));
}

static const char *
text(json_t *object, const char *member, const char *fallback)
{
	const char *value = json_string_value(json_object_get(object, member));

	return value != NULL ? value : fallback;
}

static const char *
plural(long long n)
{
	return n == 1 ? "" : "s";
}

static void
show_left(json_t *object, FILE *out)
{
	json_t *left = json_object_get(object, "left_ms");

	if (left != NULL && json_integer_value(left) >= 0)
		fprintf(out, ", %llds left", (number(object, "left_ms") + 999) / 1000);
}

static void
show_workers(json_t *workers, FILE *out)
{
	json_t *worker;
	size_t i;

	json_array_foreach(workers, i, worker)
	{
		long long open = number(worker, "connections");

		fprintf(out, "  %-14s generation %lld %s, %lld connection%s\n", i == 0 ? "workers" : "",
			number(worker, "generation"), text(worker, "state", "?"), open, plural(open));
	}
}

/* Where it goes; and what is wrong with it, which nobody can read there. */
static void
show_log(json_t *log, FILE *out)
{
	long long lost = number(log, "lost");
	char for_text[32];

	if (log == NULL)
		return;
	fprintf(out, "  %-14s %s", "log", text(log, "target", "?"));
	if (json_object_get(log, "error") != NULL)
		fprintf(out, " is not written for %s: %s",
			table_duration(number(log, "failing_ms"), for_text), text(log, "error", "?"));
	if (lost > 0)
		fprintf(out, ", %lld line%s lost", lost, plural(lost));
	fputc('\n', out);
}

void
show_status(json_t *done, size_t rows, FILE *out)
{
	char uptime[32];

	(void)rows;
	fprintf(out, "sockd %s is %s, pid %lld, up %s\n", text(done, "version", "?"),
		text(done, "state", "?"), number(done, "pid"),
		table_duration(number(done, "uptime_ms"), uptime));
	if (json_object_get(done, "config") != NULL)
		fprintf(out, "  %-14s %s\n", "configuration", text(done, "config", ""));
	show_log(json_object_get(done, "log"), out);
	fprintf(out, "  %-14s %lld\n", "listeners", number(done, "listeners"));
	fprintf(out, "  %-14s %lld open, %lld served", "connections", number(done, "connections"),
		number(done, "served"));
	if (json_object_get(done, "at_start") != NULL) {
		fprintf(out, ", %lld when the drain began", number(done, "at_start"));
		show_left(done, out);
	}
	fputc('\n', out);
	show_workers(json_object_get(done, "workers"), out);
	if (json_object_get(done, "last_reload") != NULL)
		fprintf(out, "  %-14s %s\n", "last reload", text(done, "last_reload", ""));
}

void
show_text(json_t *done, size_t rows, FILE *out)
{
	const char *words = text(done, "text", "");
	size_t size = strlen(words);

	(void)rows;
	fputs(words, out);
	if (size > 0 && words[size - 1] != '\n')
		fputc('\n', out);
}

/* With --wait it is the end that is told, without it the beginning. */
void
show_drain(json_t *done, size_t rows, FILE *out)
{
	long long forced = number(done, "forced"), open = number(done, "open");

	(void)rows;
	if (json_object_get(done, "drained") != NULL) {
		fprintf(out, "ended: %lld connection%s drained, %lld cut\n", number(done, "drained"),
			plural(number(done, "drained")), forced);
		return;
	}
	if (json_object_get(done, "open") == NULL)
		return;
	fprintf(out, "draining: %lld connection%s", open, plural(open));
	show_left(done, out);
	fputc('\n', out);
}

void
show_killed(json_t *done, size_t rows, FILE *out)
{
	long long count = number(done, "count");

	(void)rows;
	fprintf(out, "%lld connection%s ended\n", count, plural(count));
}

void
show_level(json_t *done, size_t rows, FILE *out)
{
	(void)rows;
	fprintf(out, "%s\n", text(done, "level", "?"));
}

void
show_progress(json_t *progress, FILE *out)
{
	fprintf(out, "draining %lld/%lld", number(progress, "open"), number(progress, "at_start"));
	show_left(progress, out);
}

/* A unix client rarely has a name, but always a process. */
void
show_peer(json_t *row, FILE *out)
{
	fputs(text(row, "peer", "-"), out);
	if (json_object_get(row, "pid") != NULL)
		fprintf(out, " (uid %lld, pid %lld)", number(row, "uid"), number(row, "pid"));
}

void
show_state(json_t *row, FILE *out)
{
	const char *state = text(row, "state", "-");

	if (strcmp(state, "open") == 0 && json_object_get(row, "busy") != NULL)
		state = json_is_true(json_object_get(row, "busy")) ? "busy" : "quiet";
	fputs(state, out);
}
