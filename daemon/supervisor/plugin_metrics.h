/* Metrics that plugins name, as the workers tell them: sums over all workers, and their text. */
#ifndef SUPERVISOR_PLUGIN_METRICS_H
#define SUPERVISOR_PLUGIN_METRICS_H

#include <jansson.h>

#include "base/strbuf.h"

/** Add a worker's row (see worker/ask.c) to @p families, an object that starts empty. What is not a row is
 * passed over: a worker runs plugins, and nothing that it says may break the text. */
void plugin_metrics_add(json_t *families, json_t *row);

/** Append all of them in the Prometheus text format. */
void plugin_metrics_expose(const json_t *families, struct strbuf *out);

#endif
