/* Lines and columns. Both are counted as libyaml counts them, or an error would point past its cause: a
 * column is a character, and a line ends at LF, CR, CR LF, and the three further breaks of YAML 1.1. */
#include "config/text.h"

#include <errno.h>
#include <string.h>

/* The size of the line break at @p at, 0 if there is none. */
static size_t
break_size(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	if (b[0] == '\r')
		return b[1] == '\n' ? 2 : 1;
	if (b[0] == '\n')
		return 1;
	if (b[0] == 0xc2 && b[1] == 0x85)
		return 2;
	return b[0] == 0xe2 && b[1] == 0x80 && (b[2] == 0xa8 || b[2] == 0xa9) ? 3 : 0;
}

/* A line after the last break counts, even an empty one: errors at the end of the file stand there. */
static int
find_lines(struct text *t, struct arena *arena)
{
	size_t count = 1;
	uint32_t *lines;

	for (size_t at = 0; (at += cfg_line_size(t->bytes + at)) < t->size; count++)
		at += break_size(t->bytes + at);
	lines = arena_array(arena, count, sizeof *lines);
	if (lines == NULL)
		return -ENOMEM;
	for (size_t i = 1; i < count; i++) {
		size_t end = lines[i - 1] + cfg_line_size(t->bytes + lines[i - 1]);

		lines[i] = (uint32_t)(end + break_size(t->bytes + end));
	}
	t->lines = lines;
	t->line_count = count;
	return 0;
}

struct cfg_place
text_place(const struct text *t, size_t line, size_t column, int width)
{
	return (struct cfg_place){
		.file = t->name,
		.line = (int)line + 1,
		.column = (int)column + 1,
		.width = width,
		.line_text = line < t->line_count ? t->bytes + t->lines[line] : NULL,
	};
}

struct cfg_place
text_place_at(const struct text *t, size_t offset)
{
	size_t line = 0;

	while (line + 1 < t->line_count && t->lines[line + 1] <= offset)
		line++;
	return text_place(t, line, cfg_characters(t->bytes + t->lines[line], offset - t->lines[line]), 1);
}

char
text_character_at(const struct cfg_place *place)
{
	const char *at = place->line_text, *end = at + cfg_line_size(at);

	for (int column = 1; at < end && column < place->column; column++)
		at += utf8_sequence((const unsigned char *)at, (size_t)(end - at));
	return at < end ? *at : '\0';
}

/* What is wrong with the character there, or NULL. YAML 1.1 section 5.1 says which are printable. */
static const char *
fault_at(const unsigned char *b, size_t length)
{
	if (length == 0)
		return "bytes that are not valid UTF-8; save the file as UTF-8";
	if (b[0] == '\0')
		return "a NUL byte; is this a text file?";
	if ((b[0] < 0x20 && b[0] != '\t' && b[0] != '\n' && b[0] != '\r') || b[0] == 0x7f ||
		(b[0] == 0xc2 && b[1] < 0xa0 && b[1] != 0x85) ||
		(b[0] == 0xef && b[1] == 0xbf && b[2] >= 0xbe) ||
		(b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf))
		return "a control character; in quotes it can be written as \\xHH";
	return NULL;
}

/* The first character that may not stand in a file. Its line is found by hand: there is no table of lines
 * yet, and the text around it may not be safe to show. */
static int
check_characters(const struct text *t, struct cfg_report *report)
{
	size_t line = 0, line_start = 0;

	for (size_t i = 0; i < t->size;) {
		const unsigned char *b = (const unsigned char *)t->bytes + i;
		size_t n = utf8_sequence(b, t->size - i);
		const char *fault = fault_at(b, n);

		if (fault != NULL)
			return cfg_report_error(report,
				&(struct cfg_place){ .file = t->name,
					.line = (int)line + 1,
					.column = (int)cfg_characters(t->bytes + line_start, i - line_start) +
						  1,
					.width = 1 },
				"%s", fault);
		if (break_size(t->bytes + i) != 0) {
			n = break_size(t->bytes + i);
			line++;
			line_start = i + n;
		}
		i += n;
	}
	return 0;
}

int
text_init(struct text *t, struct arena *arena, const char *name, const char *bytes, size_t size,
	struct cfg_report *report)
{
	int r;

	if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		size -= 3;
	}
	*t = (struct text){ .size = size };
	t->name = arena_copy(arena, name, strlen(name));
	t->bytes = arena_copy(arena, bytes, size);
	if (t->name == NULL || t->bytes == NULL)
		return cfg_report_no_memory(report);
	r = check_characters(t, report);
	if (r == 0 && find_lines(t, arena) < 0)
		r = cfg_report_no_memory(report);
	return r;
}
