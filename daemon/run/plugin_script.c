/* A line is a verb and at most one argument: a text in quotes, or a number of pattern bytes. The pattern is
 * the same at both ends, so that what an echo answers can be expected by its number alone. */
#include "run/plugin_script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"

/* Long enough that a piece which arrives twice, or not at all, is noticed. */
enum { PATTERN_PERIOD = 251 };

struct verb_row {
	const char *words;
	bool has_argument;
};

static const struct verb_row verbs[SCRIPT_VERB_COUNT] = {
	[SCRIPT_SEND] = { "send", true },
	[SCRIPT_EXPECT] = { "expect", true },
	[SCRIPT_END] = { "end", false },
	[SCRIPT_EXPECT_END] = { "expect end", false },
	[SCRIPT_RESET] = { "reset", false },
	[SCRIPT_CONNECT] = { "connect", false },
	[SCRIPT_DRAIN] = { "drain", false },
	[SCRIPT_STOP] = { "stop", false },
};

/* One character of a text in quotes; *io_at stands on it, and on return behind it.
 * @return the byte, or -1: no such escape */
static int
take_character(const char **io_at)
{
	static const char letters[] = "ntr0\\\"", values[] = "\n\t\r\0\\\"";
	const char *at = *io_at, *found;
	char hex[3] = { 0 };

	if (*at != '\\') {
		*io_at = at + 1;
		return (unsigned char)*at;
	}
	if (at[1] == 'x' && isxdigit((unsigned char)at[2]) && isxdigit((unsigned char)at[3])) {
		memcpy(hex, at + 2, 2);
		*io_at = at + 4;
		return (int)strtol(hex, NULL, 16);
	}
	found = at[1] != '\0' ? strchr(letters, at[1]) : NULL;
	if (found == NULL)
		return -1;
	*io_at = at + 2;
	return (unsigned char)values[found - letters];
}

static int
parse_text(const char *at, struct strbuf *ret, struct err *e)
{
	for (at++; *at != '"';) {
		int c = *at != '\0' ? take_character(&at) : -1;

		if (c < 0)
			return err_set(e, -EINVAL,
				*at == '\0' ? "the text has no closing quote"
					    : "no such escape (there are \\n \\t \\r \\0 "
					      "\\\\ \\\" and \\xHH)");
		strbuf_add_char(ret, (char)c);
	}
	return at[1] == '\0' ? 0 : err_set(e, -EINVAL, "there is something behind the closing quote");
}

static int
parse_pattern(const char *text, struct strbuf *ret, struct err *e)
{
	int64_t size;
	int r = parse_size(text, &size, e);

	if (r < 0)
		return err_set(
			e, -EINVAL, "'%s' is neither a text in double quotes nor a number of bytes", text);
	if (size > SCRIPT_BYTES_MAX)
		return err_set(e, -EINVAL, "at most %d bytes can be asked for", SCRIPT_BYTES_MAX);
	for (int64_t i = 0; i < size; i++)
		strbuf_add_char(ret, (char)(i % PATTERN_PERIOD));
	return 0;
}

static const struct verb_row *
find_verb(const char *line, const char **ret_rest)
{
	for (size_t i = 0; i < SCRIPT_VERB_COUNT; i++) {
		size_t n = strlen(verbs[i].words);

		if (strncmp(line, verbs[i].words, n) != 0)
			continue;
		if (verbs[i].has_argument ? line[n] == ' ' && strcmp(line + n + 1, "end") != 0
					  : line[n] == '\0') {
			*ret_rest = line + n;
			return &verbs[i];
		}
	}
	return NULL;
}

static int
parse_step(const char *line, struct script_step *step, struct err *e)
{
	auto_of(strbuf) struct strbuf bytes = { 0 };
	const char *rest = NULL;
	const struct verb_row *verb = find_verb(line, &rest);
	int r = 0;

	if (verb == NULL)
		return err_set(e, -EINVAL,
			"'%s' is no step; there are: send TEXT, expect TEXT, end, expect end, reset, "
			"connect, drain, stop",
			line);
	step->verb = (enum script_verb)(verb - verbs);
	if (!verb->has_argument)
		return 0;
	rest += strspn(rest, " ");
	r = *rest == '"' ? parse_text(rest, &bytes, e) : parse_pattern(rest, &bytes, e);
	if (r < 0)
		return r;
	step->size = bytes.size;
	step->bytes = strbuf_take(&bytes);
	return step->bytes != NULL ? 0 : err_set(e, -ENOMEM, "out of memory");
}

/* Cut blanks from both ends. */
static char *
trim(char *line)
{
	size_t n;

	line += strspn(line, " \t\r");
	n = strlen(line);
	while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
		line[--n] = '\0';
	return line;
}

int
script_parse(struct script *s, const char *name, const char *text, struct err *e)
{
	auto_of(mem) char *copy = strdup(text);
	int number = 0, r = 0;
	char *next = copy;

	*s = (struct script){ .name = name };
	if (copy != NULL)
		s->steps = calloc(strlen(text) / 3 + 1, sizeof *s->steps); /* the shortest step is `end` */
	if (s->steps == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	while (next != NULL && r == 0) {
		char *line = trim(strsep(&next, "\n"));

		number++;
		if (*line == '\0' || *line == '#')
			continue;
		s->steps[s->count].line = number;
		r = parse_step(line, &s->steps[s->count++], e);
	}
	return r < 0 ? err_prefix(e, "%s:%d", name, number) : 0;
}

void
script_fini(struct script *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->steps[i].bytes);
	free(s->steps);
	*s = (struct script){ 0 };
}
