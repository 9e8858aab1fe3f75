/* Any text as an address, a size, a duration and so on: nothing breaks, and what is taken keeps its promises.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "config/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool held)
{
	if (!held)
		abort();
}

static void
try_address(const char *text)
{
	struct arena arena = { 0 };
	struct cfg_address a = { 0 };
	struct err e = { 0 };
	int r = address_parse(text, &arena, &a, &e);

	require((r == 0) == (e.text[0] == '\0'));
	if (r == 0) {
		require(strcmp(a.url, text) == 0);
		require(address_transport(text) == 1u << a.transport);
		require((a.host != NULL) == (a.transport == CFG_TCP || a.transport == CFG_UDP));
		require((a.path != NULL) == (a.transport == CFG_UNIX || a.transport == CFG_UNIXGRAM));
		require((a.fd_name != NULL) == (a.transport == CFG_PASSED));
		require(a.path == NULL || strlen(a.path) <= ADDRESS_PATH_MAX);
		require(a.path == NULL || a.abstract || a.path[0] == '/');
	}
	arena_fini(&arena);
}

static void
try_values(const char *text)
{
	char buffer[PARSE_TEXT_SIZE];
	int64_t value, back;
	mode_t mode;
	bool truth;

	if (parse_size(text, &value, NULL) == 0)
		require(value >= 0 && parse_size(parse_format_size(value, buffer), &back, NULL) == 0 &&
			back == value);
	if (parse_duration(text, &value, NULL) == 0)
		require(value >= PARSE_OFF &&
			parse_duration(parse_format_duration(value, buffer), &back, NULL) == 0 &&
			back == value);
	if (parse_mode(text, &mode, NULL) == 0)
		require(mode <= 0777);
	if (parse_bool(text, &truth, NULL) == 0)
		require(strcmp(text, truth ? "true" : "false") == 0);
	if (parse_integer(text, &value, NULL) == 0)
		require(strtoll(text, NULL, 10) == value);
}

static void
try_names(const char *text)
{
	static const char *const names[] = { "listen", "handler", "tls" };
	const char *nearest = parse_nearest(text, names, array_len(names));

	require(parse_distance(text, text) == 0 || strlen(text) > 63);
	require(nearest == NULL || parse_distance(text, nearest) <= 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_address(text);
	try_values(text);
	try_names(text);
	free(text);
	return 0;
}
