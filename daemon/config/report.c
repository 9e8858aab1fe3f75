/* Findings and how they look. A finding copies what it shows: the tree that it points into is gone when a
 * load fails. The number of kept findings is bounded, since a file can be wrong in a hundred thousand places.
 */
#include "config/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_COLUMNS = 100, SHOWN_BEFORE = 60, TAB_WIDTH = 8, TEXT_MAX = 2000, LINE_MAX_SHOWN = 16384 };

size_t
cfg_line_size(const char *text)
{
	size_t n = 0;

	for (;; n++) {
		const unsigned char *b;

		n += strcspn(text + n, "\r\n\xc2\xe2");
		b = (const unsigned char *)text + n;
		/* YAML 1.1 also breaks lines at U+0085, U+2028 and U+2029, and libyaml counts them. */
		if (*b != 0xc2 && *b != 0xe2)
			return n;
		if (b[0] == 0xc2 && b[1] == 0x85)
			return n;
		if (b[0] == 0xe2 && b[1] == 0x80 && (b[2] == 0xa8 || b[2] == 0xa9))
			return n;
	}
}

size_t
cfg_characters(const char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static void
finding_fini(struct cfg_finding *f)
{
	free(f->file);
	free(f->text);
	free(f->line_text);
}

static bool
is_known(const struct cfg_report *r, enum cfg_severity severity, const struct cfg_place *place,
	const char *text)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct cfg_finding *f = &r->findings[i];

		if (f->severity == severity && f->line == place->line && f->column == place->column &&
			strcmp(f->text, text) == 0 && (f->file != NULL) == (place->file != NULL) &&
			(f->file == NULL || strcmp(f->file, place->file) == 0))
			return true;
	}
	return false;
}

static bool
make_room(struct cfg_report *r)
{
	size_t capacity = r->capacity != 0 ? r->capacity * 2 : 8;
	struct cfg_finding *grown;

	if (r->count < r->capacity)
		return true;
	grown = reallocarray(r->findings, capacity, sizeof *grown);
	if (grown == NULL)
		return false;
	r->findings = grown;
	r->capacity = capacity;
	return true;
}

static int
copy_place(struct cfg_finding *f, const struct cfg_place *place)
{
	f->line = place->line;
	f->column = place->column;
	f->width = place->width;
	if (place->file != NULL && (f->file = strdup(place->file)) == NULL)
		return -ENOMEM;
	if (place->line_text == NULL || cfg_line_size(place->line_text) > LINE_MAX_SHOWN)
		return 0;
	f->line_text = strndup(place->line_text, cfg_line_size(place->line_text));
	return f->line_text != NULL ? 0 : -ENOMEM;
}

static void printf_like(4, 0) add(struct cfg_report *r, enum cfg_severity severity,
	const struct cfg_place *place, const char *format, va_list args)
{
	static const struct cfg_place nowhere;
	struct cfg_finding f = { .severity = severity, .order = r->count };
	size_t *found = severity == CFG_ERROR ? &r->errors : &r->warnings;

	if (place == NULL)
		place = &nowhere;
	if (*found >= CFG_REPORT_MAX) {
		++*found;
		return;
	}
	if (vasprintf(&f.text, format, args) < 0)
		f.text = NULL;
	if (f.text != NULL && is_known(r, severity, place, f.text)) {
		free(f.text);
		return;
	}
	++*found;
	if (f.text == NULL || copy_place(&f, place) < 0 || !make_room(r)) {
		finding_fini(&f);
		r->out_of_memory = true;
		return;
	}
	if (strlen(f.text) > TEXT_MAX)
		f.text[TEXT_MAX] = '\0';
	r->findings[r->count++] = f;
}

void
cfg_report_add_error(struct cfg_report *r, const struct cfg_place *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(r, CFG_ERROR, place, format, args);
	va_end(args);
}

void
cfg_report_warning(struct cfg_report *r, const struct cfg_place *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(r, CFG_WARNING, place, format, args);
	va_end(args);
}

bool
cfg_report_is_ok(const struct cfg_report *r)
{
	return r->errors == 0 && !r->out_of_memory;
}

static int
compare(const void *left, const void *right)
{
	const struct cfg_finding *a = left, *b = right;
	int order = (a->file != NULL) - (b->file != NULL);

	if (order == 0 && a->file != NULL)
		order = strcmp(a->file, b->file);
	if (order == 0)
		order = (a->line > b->line) - (a->line < b->line);
	if (order == 0)
		order = (a->column > b->column) - (a->column < b->column);
	return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* Bytes of a text as a terminal may safely show them. */
static void
add_visible(struct strbuf *out, const char *text, size_t size)
{
	for (size_t i = 0; i < size;) {
		size_t n = utf8_sequence((const unsigned char *)text + i, size - i);

		if (n == 0 || utf8_is_control((const unsigned char *)text + i, n)) {
			strbuf_add_char(out, '?');
			n = n != 0 ? n : 1;
		} else
			strbuf_add_bytes(out, text + i, n);
		i += n;
	}
}

/* The line, cut to a window around the place when it is long, and the underline. Tabs become blanks, so that
 * the underline meets its text on every terminal. */
static void
print_line(const struct cfg_finding *f, struct strbuf *out)
{
	const char *line = f->line_text;
	size_t size = strlen(line), from = 0, at = 0, shown = 0, mark_at = 0, mark_width = 0,
	       place = (size_t)f->column - 1;
	char blanks[TAB_WIDTH + 1] = "        ";

	if (place > SHOWN_BEFORE && cfg_characters(line, size) > SHOWN_COLUMNS)
		from = place - SHOWN_BEFORE;
	strbuf_printf(out, "%5d | %s", f->line, from > 0 ? "..." : "");
	shown = from > 0 ? 3 : 0;
	for (size_t i = 0; i < size && shown < SHOWN_COLUMNS; at++) {
		size_t n = utf8_sequence((const unsigned char *)line + i, size - i), columns = 1;

		n = n != 0 ? n : 1;
		if (at >= from) {
			columns = line[i] == '\t' ? TAB_WIDTH - shown % TAB_WIDTH : 1;
			if (line[i] == '\t')
				strbuf_add_bytes(out, blanks, columns);
			else
				add_visible(out, line + i, n);
			if (at < place)
				mark_at = shown + columns;
			else if (at < place + (size_t)f->width)
				mark_width += columns;
			shown += columns;
		}
		i += n;
	}
	if (place == from && from == 0)
		mark_at = 0;
	strbuf_printf(out, "%s\n      | %*s", at < cfg_characters(line, size) ? "..." : "", (int)mark_at, "");
	for (size_t i = 0; i < (mark_width != 0 ? mark_width : 1); i++)
		strbuf_add_char(out, '^');
	strbuf_add_char(out, '\n');
}

static void
print_finding(const struct cfg_finding *f, struct strbuf *out, bool caret)
{
	if (f->file != NULL) {
		add_visible(out, f->file, strlen(f->file));
		if (f->line > 0)
			strbuf_printf(out, ":%d:%d", f->line, f->column);
		strbuf_add(out, ": ");
	}
	strbuf_add(out, f->severity == CFG_ERROR ? "error: " : "warning: ");
	add_visible(out, f->text, strlen(f->text));
	strbuf_add_char(out, '\n');
	if (caret && f->line_text != NULL && f->line > 0 && f->column > 0)
		print_line(f, out);
}

void
cfg_report_print(struct cfg_report *r, struct strbuf *out, bool caret)
{
	size_t kept[2] = { 0 };

	if (r->count > 1)
		qsort(r->findings, r->count, sizeof r->findings[0], compare);
	for (size_t i = 0; i < r->count; i++) {
		print_finding(&r->findings[i], out, caret);
		kept[r->findings[i].severity]++;
	}
	if (r->warnings > kept[CFG_WARNING])
		strbuf_printf(out, "and %zu more warnings\n", r->warnings - kept[CFG_WARNING]);
	if (r->errors > kept[CFG_ERROR])
		strbuf_printf(out, "and %zu more errors\n", r->errors - kept[CFG_ERROR]);
	if (r->out_of_memory)
		strbuf_add(out, "error: out of memory while reading the configuration\n");
	if (r->errors > 0)
		strbuf_printf(
			out, "%zu error%s; nothing was changed\n", r->errors, r->errors == 1 ? "" : "s");
	else if (r->out_of_memory)
		strbuf_add(out, "nothing was changed\n");
}

void
cfg_report_fini(struct cfg_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		finding_fini(&r->findings[i]);
	free(r->findings);
	*r = (struct cfg_report){ 0 };
}
