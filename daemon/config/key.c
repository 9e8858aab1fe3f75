/* Looking things up in the tables of keys, and the words that describe a row to a person. */
#include "config/key.h"

#include <string.h>

#include "base/cleanup.h"

const char *
key_below(const struct key *key, const char *prefix)
{
	size_t size = strlen(prefix);
	const char *rest = key->name;

	if (size > 0) {
		if (strncmp(key->name, prefix, size) != 0 || key->name[size] != '.')
			return NULL;
		rest += size + 1;
	}
	return strchr(rest, '.') == NULL ? rest : NULL;
}

const struct key *
key_find(const struct key_table *table, const char *prefix, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		const char *below = key_below(&table->keys[i], prefix);

		if (below != NULL && strcmp(below, name) == 0)
			return &table->keys[i];
	}
	return NULL;
}

const struct cfg_origin *
key_origin(const struct key_table *table, const struct cfg_origin *origins, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->keys[i].name, name) == 0)
			return &origins[i];
	return NULL;
}

const char *
key_last(const struct key *key)
{
	const char *dot = strrchr(key->name, '.');

	return dot != NULL ? dot + 1 : key->name;
}

bool
key_word_value(const struct key_word *words, const char *name, int64_t *ret)
{
	for (; words != NULL && words->name != NULL; words++) {
		if (strcmp(words->name, name) == 0) {
			*ret = words->value;
			return true;
		}
	}
	return false;
}

const char *
key_word_name(const struct key_word *words, int64_t value)
{
	for (; words != NULL && words->name != NULL; words++)
		if (words->value == value)
			return words->name;
	return NULL;
}

const char *
key_type_name(enum key_type type)
{
	static const char *const names[KEY_TYPE_COUNT] = {
		[KEY_MAP] = "a map",
		[KEY_BOOL] = "true or false",
		[KEY_INTEGER] = "a whole number",
		[KEY_SIZE] = "a size",
		[KEY_DURATION] = "a duration",
		[KEY_MODE] = "a file mode",
		[KEY_WORD] = "a word",
		[KEY_TEXT] = "text",
		[KEY_TARGET] = "a word or an absolute path",
		[KEY_SOCKET] = "the address of a unix socket",
		[KEY_RATE] = "a rate such as 20/s, or off",
		[KEY_BANDWIDTH] = "a bandwidth such as 10MiB/s, or off",
		[KEY_NETWORKS] = "a network, {file: PATH}, or a list of them",
		[KEY_USERS] = "the name or the number of a user, or a list",
		[KEY_GROUPS] = "the name or the number of a group, or a list",
		[KEY_PLUGIN] = "the name or the path of a plugin",
		[KEY_TEXTS] = "text, or a list of texts",
		[KEY_PATH] = "a path",
		[KEY_SECRET] = "a secret: text, {file: PATH} or {credential: NAME}",
		[KEY_CERTIFICATES] = "a map, or a list of maps",
		[KEY_TLS] = "a name, or a map",
		[KEY_PATHS] = "a path, or a list of paths",
		[KEY_ADDRESSES] = "an address, or a list of addresses",
		[KEY_SETTINGS] = "a map of the plugin's settings",
		[KEY_OBSERVERS] = "a list of plugins",
		[KEY_NAMED] = "a map of names",
		[KEY_FILES] = "a file name or pattern, or a list of them",
		[KEY_VERSION] = "the number 1",
	};

	return names[type];
}

const char *
key_reload_name(enum key_reload reload)
{
	static const char *const names[KEY_RELOAD_COUNT] = {
		[KEY_LIVE] = "at once",
		[KEY_NEW_CONNECTIONS] = "for new connections",
		[KEY_UPGRADE] = "in a new worker",
		[KEY_RESTART] = "when sockd is started again",
	};

	return names[reload];
}

const char *
key_transports_name(unsigned transports, char buffer[64])
{
	buffer[0] = '\0';
	for (int i = 0; i < CFG_TRANSPORT_COUNT; i++) {
		int t = (i + 1) % CFG_TRANSPORT_COUNT; /* systemd last */

		if ((transports & 1u << t) == 0)
			continue;
		if (buffer[0] != '\0')
			strcat(buffer, ", ");
		strcat(buffer, cfg_transport_name((enum cfg_transport)t));
	}
	return buffer;
}
