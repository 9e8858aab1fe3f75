/* The JSON Schema of the configuration file, for editors and checkers. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "base/strbuf.h"

/** Append the schema (draft 2020-12). Keys that are not available yet are in it, and match nothing. */
void config_print_schema(struct strbuf *out);

#endif
