/* Options may stand anywhere. Words that are not options are the verb's name and then its arguments; options
 * of a verb are understood once the whole line was seen, so they may come before it too. */
#include "ctl/command.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"

enum { WORDS_MAX = 8, GIVEN_MAX = 32 };

/* An option as it was given. */
struct given {
	const char *name;
	size_t size;
	const char *value; /* behind '=', or NULL */
	int next;          /* where its value stands, if it takes one and there is no '=' */
};

struct line {
	char *words[WORDS_MAX];
	size_t word_count;
	struct given options[GIVEN_MAX];
	size_t option_count;
	int argc;
	char **argv;
};

/* ---- values ---- */

static int
take_value(json_t *request, const struct ctl_option *o, const char *label, const char *value, struct err *e)
{
	int64_t number;
	json_t *json;
	int r = 0;

	if (o->kind == CTL_NUMBER)
		r = parse_integer(value, &number, e);
	else if (o->kind == CTL_DURATION)
		r = parse_duration(value, &number, e);
	if (r == 0 && o->kind != CTL_TEXT && o->kind != CTL_SWITCH && number < 0)
		r = err_set(e, -EINVAL, "'%s' cannot be meant here", value);
	if (r < 0)
		return err_prefix(e, "%s", label);
	if (o->kind == CTL_SWITCH)
		json = json_true();
	else
		json = o->kind == CTL_TEXT ? json_string(value) : json_integer((json_int_t)number);
	if (json == NULL)
		return err_set(e, -EINVAL, "%s: this is not UTF-8", label);
	return json_object_set_new(request, o->member, json) < 0 ? err_set(e, -ENOMEM, "out of memory") : 0;
}

static int
take_common(struct command *c, const char *name, const char *value, struct err *e)
{
	int64_t ms;

	if (strcmp(name, "json") == 0)
		c->json = true;
	else if (strcmp(name, "help") == 0)
		c->help = true;
	else if (strcmp(name, "version") == 0)
		c->version = true;
	else if (strcmp(name, "socket") == 0)
		c->socket = value;
	else if (strcmp(name, "config") == 0)
		c->config = value;
	else {
		if (parse_duration(value, &ms, e) < 0)
			return err_prefix(e, "--timeout");
		if (ms < 1 || ms > 86400000)
			return err_set(e, -EINVAL, "--timeout: write 1ms to 24h");
		c->timeout_ms = (int)ms;
	}
	return 0;
}

/* ---- the line ---- */

static const struct ctl_option *
find_option(const struct ctl_option *list, const struct given *g)
{
	for (; list != NULL && list->name != NULL; list++)
		if (strlen(list->name) == g->size && strncmp(list->name, g->name, g->size) == 0)
			return list;
	return NULL;
}

/* Whether an option of this name takes a value, whoever's it is: what follows it is then no word. */
static bool
takes_value(const struct given *g)
{
	const struct ctl_option *o = find_option(ctl_common_options, g);

	for (size_t i = 0; o == NULL && i < ctl_verb_count; i++)
		o = find_option(ctl_verbs[i].options, g);
	return o != NULL && o->argument != NULL;
}

static const char *
long_name(const char *text)
{
	if (strcmp(text, "-h") == 0)
		return "help";
	if (strcmp(text, "-V") == 0)
		return "version";
	return strncmp(text, "--", 2) == 0 && text[2] != '\0' ? text + 2 : NULL;
}

static int
split_line(int argc, char **argv, struct line *l, struct err *e)
{
	bool only_words = false;

	*l = (struct line){ .argc = argc, .argv = argv };
	for (int i = 1; i < argc; i++) {
		const char *name = long_name(argv[i]), *equals;
		struct given *g = &l->options[l->option_count];

		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (only_words || argv[i][0] != '-') {
			if (l->word_count == WORDS_MAX)
				return err_set(e, -EINVAL, "that is too many words");
			l->words[l->word_count++] = argv[i];
		} else if (name == NULL)
			return err_set(e, -EINVAL, "unknown option '%s'", argv[i]);
		else if (l->option_count == GIVEN_MAX)
			return err_set(e, -EINVAL, "that is too many options");
		else {
			equals = strchr(name, '=');
			*g = (struct given){ .name = name,
				.size = equals != NULL ? (size_t)(equals - name) : strlen(name),
				.value = equals != NULL ? equals + 1 : NULL };
			l->option_count++;
			if (equals == NULL && takes_value(g))
				g->next = ++i;
		}
	}
	return 0;
}

/* Collect the names of options or verbs, for the nearest one. */
static const char *
nearest_option(const char *word, const struct ctl_verb *verb)
{
	const char *names[GIVEN_MAX];
	size_t count = 0;

	for (const struct ctl_option *o = ctl_common_options; o->name != NULL; o++)
		names[count++] = o->name;
	for (const struct ctl_option *o = verb != NULL ? verb->options : NULL; o != NULL && o->name != NULL;
		o++)
		names[count++] = o->name;
	return parse_nearest(word, names, count);
}

static int
unknown_option(const struct given *g, const struct ctl_verb *verb, struct err *e)
{
	char word[64];
	const char *nearest;

	snprintf(word, sizeof word, "%.*s", (int)g->size, g->name);
	nearest = nearest_option(word, verb);
	return err_set(e, -EINVAL, "unknown option '--%s'%s%s%s%s%s", word, verb != NULL ? " of " : "",
		verb != NULL ? verb->name : "", nearest != NULL ? ", did you mean '--" : "",
		nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

static int
take_option(struct command *c, const struct line *l, const struct given *g, struct err *e)
{
	const struct ctl_option *common = find_option(ctl_common_options, g), *o = common;
	const char *value = g->value;
	char label[64];

	if (o == NULL && c->verb != NULL)
		o = find_option(c->verb->options, g);
	if (o == NULL)
		return unknown_option(g, c->verb, e);
	if (o->argument == NULL && value != NULL)
		return err_set(e, -EINVAL, "--%s takes no value", o->name);
	if (o->argument != NULL && value == NULL) {
		if (g->next >= l->argc)
			return err_set(
				e, -EINVAL, "--%s needs a value: --%s %s", o->name, o->name, o->argument);
		value = l->argv[g->next];
	}
	if (common != NULL)
		return take_common(c, o->name, value, e);
	snprintf(label, sizeof label, "--%s", o->name);
	return take_value(c->request, o, label, value, e);
}

static int
unknown_verb(const struct line *l, struct err *e)
{
	const char *names[64], *nearest;
	size_t count = 0;

	for (; count < ctl_verb_count && count < array_len(names); count++)
		names[count] = ctl_verbs[count].name;
	nearest = parse_nearest(l->words[0], names, count);
	return err_set(e, -EINVAL, "unknown verb '%s'%s%s%s", l->words[0],
		nearest != NULL ? ", did you mean '" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "'?" : "");
}

static int
take_arguments(struct command *c, const struct line *l, size_t used, struct err *e)
{
	for (size_t i = used; i < l->word_count; i++) {
		const struct ctl_option *a = &c->verb->arguments[i - used];
		int r;

		if (i - used >= CTL_ARGUMENTS_MAX || a->name == NULL)
			return err_set(e, -EINVAL, "%s does not take '%s'", c->verb->name, l->words[i]);
		r = take_value(c->request, a, a->name, l->words[i], e);
		if (r < 0)
			return r;
	}
	if (l->word_count - used < c->verb->arguments_required && !c->help) {
		const struct ctl_option *missing = &c->verb->arguments[l->word_count - used];

		return err_set(e, -EINVAL, "%s needs %s: %s", c->verb->name, missing->name, missing->help);
	}
	return 0;
}

int
command_parse(int argc, char **argv, struct command *ret, struct err *e)
{
	const char *wrong;
	struct line l;
	size_t used = 0;
	int r;

	*ret = (struct command){ .request = json_object(), .timeout_ms = COMMAND_TIMEOUT_MS };
	if (ret->request == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	r = split_line(argc, argv, &l, e);
	if (r < 0)
		return r;
	ret->verb = ctl_verb_find(l.words, l.word_count, &used);
	for (size_t i = 0; i < l.option_count && r == 0; i++)
		r = take_option(ret, &l, &l.options[i], e);
	if (r < 0)
		return r;
	if (ret->verb == NULL && l.word_count > 0)
		return unknown_verb(&l, e);
	if (ret->verb == NULL)
		return ret->help || ret->version ? 0 : err_set(e, -EINVAL, "say what to do: sockctl VERB");
	r = take_arguments(ret, &l, used, e);
	wrong = r == 0 && !ret->help && ret->verb->check != NULL ? ret->verb->check(ret->request) : NULL;
	if (wrong != NULL)
		return err_set(e, -EINVAL, "%s", wrong);
	if (r == 0 && json_object_set_new(ret->request, "verb",
			      json_string(ret->verb->send != NULL ? ret->verb->send : ret->verb->name)) < 0)
		r = err_set(e, -ENOMEM, "out of memory");
	return r;
}

void
command_fini(struct command *c)
{
	json_decref(c->request);
	c->request = NULL;
}

/* ---- help ---- */

enum { HELP_COLUMN = 28 };

static void
print_usage(const struct ctl_verb *v, FILE *out)
{
	fprintf(out, "%s", v->name);
	for (size_t i = 0; i < CTL_ARGUMENTS_MAX && v->arguments[i].name != NULL; i++)
		fprintf(out, i < v->arguments_required ? " %s" : " [%s]", v->arguments[i].name);
}

static void
print_entry(const char *left, const char *help, FILE *out)
{
	fprintf(out, "  %-*s %s\n", HELP_COLUMN, left, help);
}

static void
print_options(const struct ctl_option *o, FILE *out)
{
	char left[64];

	for (; o != NULL && o->name != NULL; o++) {
		snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument != NULL ? " " : "",
			o->argument != NULL ? o->argument : "");
		print_entry(left, o->help, out);
	}
}

static void
print_help_of(const struct ctl_verb *v, FILE *out)
{
	fputs("Usage: sockctl ", out);
	print_usage(v, out);
	fprintf(out, "%s\n\n%s.\n", v->options != NULL ? " [OPTION...]" : "", v->help);
	if (v->manual != NULL)
		fprintf(out, "%s.\n", v->manual);
	if (v->arguments[0].name != NULL)
		fputc('\n', out);
	for (size_t i = 0; i < CTL_ARGUMENTS_MAX && v->arguments[i].name != NULL; i++)
		print_entry(v->arguments[i].name, v->arguments[i].help, out);
	if (v->options != NULL)
		fputc('\n', out);
	print_options(v->options, out);
	fputs("\nOptions of every verb: sockctl --help\n", out);
}

void
command_print_help(const struct ctl_verb *verb, FILE *out)
{
	if (verb != NULL) {
		print_help_of(verb, out);
		return;
	}
	fputs("Usage: sockctl [OPTION...] VERB [ARGUMENT...]\n\nSpeaks to a running sockd over its admin "
	      "socket.\n\n",
		out);
	for (size_t i = 0; i < ctl_verb_count; i++) {
		char left[64] = "";
		FILE *text = fmemopen(left, sizeof left, "w");

		if (text != NULL) {
			print_usage(&ctl_verbs[i], text);
			fclose(text);
		}
		print_entry(left, ctl_verbs[i].help, out);
	}
	fputc('\n', out);
	print_options(ctl_common_options, out);
	fputs("\nMore about a verb: sockctl VERB --help, and sockctl(1)\n", out);
}
