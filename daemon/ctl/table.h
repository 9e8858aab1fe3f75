/* Tables for people: columns as wide as their widest cell, numbers to the right, nothing cut. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/verb.h"

/** Print the rows, an array of objects, under the titles; a column that no row has is left out. Nothing at
 * all for no rows. @return 0 or -ENOMEM */
must_check int table_print(json_t *rows, const struct ctl_column *columns, FILE *out);

/** `12.3KiB`, and `3h12m`: as exact as a person reads it, at most six characters. */
const char *table_bytes(long long bytes, char buffer[32]);
const char *table_duration(long long ms, char buffer[32]);

#endif
