/* Any text as a list of networks, one a line: what is taken reads back as itself, and the table of all of
 * them agrees with a plain search. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guard/prefix_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NETWORKS_MAX = 64 };

static void
require(bool held)
{
	if (!held)
		abort();
}

static void
require_reads_back(const struct network *n)
{
	char text[NETWORK_TEXT_SIZE];
	struct network back;

	network_format(n, text);
	require(network_parse(text, strlen(text), &back, NULL) == 0);
	require(network_equal(n, &back));
}

static int
find_slowly(const struct network *networks, size_t count, const struct network *address)
{
	int best = PREFIX_NONE;

	for (size_t i = 0; i < count; i++)
		if (network_contains(&networks[i], address) &&
			(best == PREFIX_NONE || networks[i].bits > networks[best].bits))
			best = (int)i;
	return best;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct network networks[NETWORKS_MAX];
	struct prefix_table *table;
	size_t count = 0;

	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end != NULL ? (size_t)(end - data) : size;
		struct err e = { 0 };

		if (count < NETWORKS_MAX &&
			network_parse((const char *)data, length, &networks[count], &e) == 0)
			require_reads_back(&networks[count++]);
		data += length + (end != NULL);
		size -= length + (end != NULL);
	}
	if (prefix_table_new(networks, count, &table) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		struct network low = networks[i], high = networks[i];

		low.bits = high.bits = (uint8_t)network_width(&low);
		for (unsigned bit = networks[i].bits; bit < network_width(&high); bit++)
			high.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		require(prefix_table_find(table, &low) == find_slowly(networks, count, &low));
		require(prefix_table_find(table, &high) == find_slowly(networks, count, &high));
	}
	prefix_table_free(table);
	return 0;
}
