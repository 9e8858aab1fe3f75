/* The bytes of one configuration file and where its lines begin. */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include <stdint.h>

#include "config/arena.h"
#include "config/report.h"

struct text {
	const char *name;  /* in the arena */
	const char *bytes; /* in the arena, NUL-terminated, without a byte order mark */
	size_t size;
	const uint32_t *lines; /* in the arena: the offset of each line's first byte */
	size_t line_count;     /* at least 1 */
};

/** Copy the file into the arena and check that every byte may stand in YAML. @return 0; -EINVAL, told;
 * -ENOMEM, told */
must_check int text_init(struct text *t, struct arena *arena, const char *name, const char *bytes,
	size_t size, struct cfg_report *report);

/** A place, from a line and a column that count from 0. */
struct cfg_place text_place(const struct text *t, size_t line, size_t column, int width);

/** The place of a byte. */
struct cfg_place text_place_at(const struct text *t, size_t offset);

/** The byte at which the character of a place begins; '\0' behind the end of its line. */
char text_character_at(const struct cfg_place *place);

#endif
