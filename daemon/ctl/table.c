/* Two passes: all cells are made first, then the widths are known. Characters are counted as a terminal shows
 * them, so names beyond ASCII stay aligned. */
#include "ctl/table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { COLUMNS_MAX = 16, GAP = 2 };

const char *
table_bytes(long long bytes, char buffer[32])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < array_len(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(buffer, 32, unit > 0 && value < 10 ? "%.1f%s" : "%.0f%s", value, units[unit]);
	return buffer;
}

const char *
table_duration(long long ms, char buffer[32])
{
	long long s = ms / 1000;

	if (ms < 1000)
		snprintf(buffer, 32, "%lldms", ms);
	else if (s < 60)
		snprintf(buffer, 32, "%lld.%llds", s, ms % 1000 / 100);
	else if (s < 3600)
		snprintf(buffer, 32, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buffer, 32, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buffer, 32, "%lldd%02lldh", s / 86400, s / 3600 % 24);
	return buffer;
}

static void
print_list(json_t *list, const char *separator, FILE *out)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		fputs(i > 0 ? separator : "", out);
		if (json_is_string(item))
			fputs(json_string_value(item), out);
		else
			fprintf(out, "%lld", (long long)json_integer_value(item));
	}
}

static void
print_cell(json_t *row, const struct ctl_column *column, FILE *out)
{
	json_t *value = json_object_get(row, column->member);
	char buffer[32];

	if (value == NULL)
		fputc('-', out);
	else if (column->show != NULL)
		column->show(row, out);
	else if (column->format == CTL_SHOW_LIST || column->format == CTL_SHOW_VERSION)
		print_list(value, column->format == CTL_SHOW_LIST ? ", " : ".", out);
	else if (column->format == CTL_SHOW_BYTES)
		fputs(table_bytes(json_integer_value(value), buffer), out);
	else if (column->format == CTL_SHOW_DURATION)
		fputs(table_duration(json_integer_value(value), buffer), out);
	else if (column->format == CTL_SHOW_NUMBER)
		fprintf(out, "%lld", (long long)json_integer_value(value));
	else
		fputs(json_is_string(value) ? json_string_value(value) : "-", out);
}

static char *
make_cell(json_t *row, const struct ctl_column *column)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	print_cell(row, column, out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static size_t
width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static bool
is_number(const struct ctl_column *column)
{
	return column->show == NULL &&
	       (column->format == CTL_SHOW_NUMBER || column->format == CTL_SHOW_BYTES ||
		       column->format == CTL_SHOW_DURATION);
}

static bool
is_used(json_t *rows, const struct ctl_column *column)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (json_object_get(row, column->member) != NULL)
			return true;
	}
	return false;
}

static void
print_padded(const char *text, size_t width, bool right, bool last, FILE *out)
{
	int blanks = (int)(width - width_of(text));

	if (right)
		fprintf(out, "%*s%s%*s", blanks, "", text, last ? 0 : GAP, "");
	else
		fprintf(out, "%s%*s", text, last ? 0 : blanks + GAP, "");
}

static void
print_line(char *const *cells, const struct ctl_column *const *used, const size_t *widths, size_t count,
	FILE *out)
{
	for (size_t i = 0; i < count; i++)
		print_padded(cells != NULL ? cells[i] : used[i]->title, widths[i], is_number(used[i]),
			i + 1 == count, out);
	fputc('\n', out);
}

int
table_print(json_t *rows, const struct ctl_column *columns, FILE *out)
{
	const struct ctl_column *used[COLUMNS_MAX];
	size_t widths[COLUMNS_MAX], count = 0, lines = json_array_size(rows);
	char **cells;
	int code = -ENOMEM;

	for (const struct ctl_column *c = columns; c->title != NULL && count < COLUMNS_MAX; c++)
		if (is_used(rows, c)) {
			used[count] = c;
			widths[count++] = width_of(c->title);
		}
	cells = calloc(lines * count + 1, sizeof(*cells));
	if (cells == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < lines * count; i++) {
		cells[i] = make_cell(json_array_get(rows, i / count), used[i % count]);
		if (cells[i] == NULL)
			goto out;
		if (width_of(cells[i]) > widths[i % count])
			widths[i % count] = width_of(cells[i]);
	}
	if (lines > 0)
		print_line(NULL, used, widths, count, out);
	for (size_t line = 0; line < lines; line++)
		print_line(cells + line * count, used, widths, count, out);
	code = 0;
out:
	for (size_t i = 0; i < lines * count; i++)
		free(cells[i]);
	free(cells);
	return code;
}
