/* The rows of the configuration say on which transports each key means something, and a listener's origins,
 * one for each row, where it was written. A default that does not fit is no fault: it only stays unused. */
#include "net/given.h"

#include <string.h>

#include "config/key.h"

const struct cfg_place *
given_place(const struct cfg_listener *listener, const char *key)
{
	if (listener->origins == NULL)
		return NULL;
	for (size_t i = 0; i < key_table_listener.count; i++)
		if (strcmp(key_table_listener.keys[i].name, key) == 0)
			return listener->origins[i].kind == CFG_FROM_FILE ? &listener->origins[i].place
									  : NULL;
	return NULL;
}

int
given_check(const struct cfg_listener *listener, unsigned transports, struct cfg_report *report)
{
	int code = 0;

	if (listener->origins == NULL)
		return 0;
	for (size_t i = 0; i < key_table_listener.count; i++) {
		const struct key *key = &key_table_listener.keys[i];
		char fits[64], has[64];

		if (listener->origins[i].kind != CFG_FROM_FILE || key->transports == 0 ||
			(key->transports & transports) != 0 || key->type == KEY_MAP)
			continue;
		code = cfg_report_error(report, &listener->origins[i].place,
			"'%s' does not apply to %s, which is what was passed, only to %s; remove it",
			key->name, key_transports_name(transports, has),
			key_transports_name(key->transports, fits));
	}
	return code;
}
