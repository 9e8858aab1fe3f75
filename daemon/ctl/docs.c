/* Run by the build (gen_docs.c); in a file of its own so that tests can look at what it makes. */
#include "ctl/docs.h"

#include <string.h>

#include "ctl/verb.h"

/* ---- the manual ---- */

/* Text as roff takes it; a blank between sentences becomes a new line, as mdoc wants it. */
static void
print_roff(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else if (text[0] == '.' && text[1] == ' ') {
			fputs(".\n", out);
			text++;
		} else
			fputc(*text, out);
	}
}

static void
print_argument(const struct ctl_option *a, bool required, FILE *out)
{
	fprintf(out, required ? " Ar %s" : " Op Ar %s", a->name);
}

static void
print_option(const struct ctl_option *o, FILE *out)
{
	fprintf(out, ".It Fl -%s", o->name);
	if (o->argument != NULL)
		fprintf(out, " Ar %s", o->argument);
	fputc('\n', out);
	print_roff(o->help, out);
	fputs(".\n", out);
}

static void
print_options(const struct ctl_option *o, FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (; o->name != NULL; o++)
		print_option(o, out);
	fputs(".El\n", out);
}

void
docs_print_options(FILE *out)
{
	print_options(ctl_common_options, out);
}

void
docs_print_verbs(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < ctl_verb_count; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];

		fprintf(out, ".It Cm %s", v->name);
		for (size_t n = 0; n < CTL_ARGUMENTS_MAX && v->arguments[n].name != NULL; n++)
			print_argument(&v->arguments[n], n < v->arguments_required, out);
		fputc('\n', out);
		print_roff(v->help, out);
		fputs(".\n", out);
		if (v->manual != NULL) {
			print_roff(v->manual, out);
			fputs(".\n", out);
		}
		if (v->options != NULL)
			print_options(v->options, out);
	}
	fputs(".El\n", out);
}

/* ---- the completion ---- */

static const char *
values_words(enum ctl_values values)
{
	static const char *const words[] = {
		[CTL_ANY] = "",
		[CTL_LISTENERS] =
			"$(sockctl \"${place[@]}\" listeners 2>/dev/null | awk 'NR > 1 { print $1 }')",
		[CTL_LEVELS] = "error warning notice info debug",
	};

	return words[values];
}

static void
print_values_of(const struct ctl_option *o, FILE *out)
{
	for (; o != NULL && o->name != NULL; o++) {
		if (o->argument == NULL)
			continue;
		if (strcmp(o->argument, "PATH") == 0 || strcmp(o->argument, "FILE") == 0)
			fprintf(out, "\t--%s) compopt -o default; return ;;\n", o->name);
		else
			fprintf(out, "\t--%s) words=\"%s\" ;;\n", o->name, values_words(o->values));
	}
}

/* One case for each verb: its options and what its first argument may be. */
static void
print_case_of(const struct ctl_verb *v, FILE *out)
{
	fprintf(out, "\t\"%s\") words=\"", v->name);
	for (const struct ctl_option *o = v->options; o != NULL && o->name != NULL; o++)
		fprintf(out, "--%s ", o->name);
	fprintf(out, "%s\" ;;\n", v->arguments[0].name != NULL ? values_words(v->arguments[0].values) : "");
}

static void
print_second_words(FILE *out)
{
	for (size_t i = 0; i < ctl_verb_count; i++) {
		const char *blank = strchr(ctl_verbs[i].name, ' ');

		if (blank != NULL)
			fprintf(out, "\t%.*s) words=\"$words %s\" ;;&\n", (int)(blank - ctl_verbs[i].name),
				ctl_verbs[i].name, blank + 1);
	}
}

static void
print_first_words(FILE *out)
{
	const char *last = "";
	size_t last_size = 0;

	for (size_t i = 0; i < ctl_verb_count; i++) {
		const char *name = ctl_verbs[i].name;
		size_t size = strcspn(name, " ");

		if (size != last_size || strncmp(name, last, size) != 0)
			fprintf(out, "%s%.*s", i > 0 ? " " : "", (int)size, name);
		last = name;
		last_size = size;
	}
}

void
docs_print_completion(FILE *out)
{
	fputs("# bash completion for sockctl(1); made by the build from its table of verbs\n\n_sockctl()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb= words= i\n"
	      "\tlocal place=()\n\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t--socket | --config) place=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[++i]}\") ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) verb=\"${verb:+$verb }${COMP_WORDS[i]}\" ;;\n"
	      "\t\tesac\n\tdone\n"
	      "\tcase $before in\n",
		out);
	print_values_of(ctl_common_options, out);
	for (size_t i = 0; i < ctl_verb_count; i++)
		print_values_of(ctl_verbs[i].options, out);
	fputs("\tesac\n\tif [[ -z $words && $before != --* ]]; then\n\t\tcase $verb in\n\t\"\") words=\"",
		out);
	print_first_words(out);
	fputs("\" ;;\n", out);
	print_second_words(out);
	for (size_t i = 0; i < ctl_verb_count; i++)
		print_case_of(&ctl_verbs[i], out);
	fputs("\t\tesac\n\t\twords=\"$words", out);
	for (const struct ctl_option *o = ctl_common_options; o->name != NULL; o++)
		fprintf(out, " --%s", o->name);
	fputs("\"\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n\ncomplete -F "
	      "_sockctl sockctl\n",
		out);
}
