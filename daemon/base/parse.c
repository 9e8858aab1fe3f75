/* The units and spellings of sockd, decided in one place: what the configuration, the command line and the
 * settings of plugins accept is what these functions accept. They are strict where a lenient reading would
 * have two meanings (30: seconds or milliseconds? KB: 1000 or 1024? 660: octal or decimal?) and then name the
 * spelling that has one. */
#include "base/parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { QUOTE_MAX = 80 }; /* how much of a wrong text an error repeats */

int
parse_bool(const char *text, bool *ret, struct err *e)
{
	static const char *const like_true[] = { "yes", "on", "y", "1", "true", "enabled" };
	static const char *const like_false[] = { "no", "off", "n", "0", "false", "disabled", "none" };

	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		*ret = text[0] == 't';
		return 0;
	}
	for (size_t i = 0; i < array_len(like_true); i++)
		if (strcasecmp(text, like_true[i]) == 0)
			return err_set(e, -EINVAL, "'%s' is not a truth value here; write true", text);
	for (size_t i = 0; i < array_len(like_false); i++)
		if (strcasecmp(text, like_false[i]) == 0)
			return err_set(e, -EINVAL, "'%s' is not a truth value here; write false", text);
	return err_set(e, -EINVAL, "'%.*s' is neither true nor false", QUOTE_MAX, text);
}

/* The digits at *io_at, moved past them. -EINVAL: none; -ERANGE: too many. */
static int
take_digits(const char **io_at, int64_t *ret)
{
	const char *at = *io_at;
	int64_t value = 0;
	bool overflow = false;

	if (!isdigit((unsigned char)*at))
		return -EINVAL;
	for (; isdigit((unsigned char)*at); at++)
		overflow = overflow || __builtin_mul_overflow(value, 10, &value) ||
			   __builtin_add_overflow(value, *at - '0', &value);
	*io_at = at;
	*ret = value;
	return overflow ? -ERANGE : 0;
}

int
parse_integer(const char *text, int64_t *ret, struct err *e)
{
	bool negative = text[0] == '-';
	const char *at = text + (negative ? 1 : 0), *digits = at;
	int64_t value;
	int r = take_digits(&at, &value);

	if (r == -EINVAL || *at != '\0')
		return err_set(e, -EINVAL, "'%.*s' is not a whole number", QUOTE_MAX, text);
	if (r < 0)
		return err_set(e, r, "%.*s is too large a number", QUOTE_MAX, text);
	if (digits[0] == '0' && digits[1] != '\0')
		return err_set(e, -EINVAL,
			"%.*s starts with a zero, which some read as octal; write %" PRId64, QUOTE_MAX, text,
			negative ? -value : value);
	*ret = negative ? -value : value;
	return 0;
}

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit size_units[] = {
	{ "GiB", INT64_C(1) << 30 },
	{ "MiB", INT64_C(1) << 20 },
	{ "KiB", INT64_C(1) << 10 },
	{ "G", INT64_C(1) << 30 },
	{ "M", INT64_C(1) << 20 },
	{ "K", INT64_C(1) << 10 },
	{ "B", 1 },
};

/* From large to small, the order in which they may follow each other; "m" and "ms" are told apart by whole
 * words. */
static const struct unit duration_units[] = {
	{ "d", INT64_C(86400000) },
	{ "h", INT64_C(3600000) },
	{ "m", INT64_C(60000) },
	{ "s", INT64_C(1000) },
	{ "ms", 1 },
};

int
parse_size(const char *text, int64_t *ret_bytes, struct err *e)
{
	const char *at = text;
	int64_t value;
	int r = take_digits(&at, &value);

	if (r == -EINVAL)
		return err_set(e, r, "'%.*s' is not a size; write a number with a unit such as 64KiB or 1MiB",
			QUOTE_MAX, text);
	if (*at == '\0' && r == 0) {
		*ret_bytes = value;
		return 0;
	}
	for (size_t i = 0; i < array_len(size_units); i++) {
		if (strcmp(at, size_units[i].name) != 0)
			continue;
		if (r < 0 || __builtin_mul_overflow(value, size_units[i].factor, &value))
			break;
		*ret_bytes = value;
		return 0;
	}
	if (*at == '\0' || r < 0)
		return err_set(e, -ERANGE, "%.*s is too large a size", QUOTE_MAX, text);
	for (size_t i = 0; i < array_len(size_units); i++)
		if (strcmp(at, size_units[i].name) == 0)
			return err_set(e, -ERANGE, "%.*s is too large a size", QUOTE_MAX, text);
	if (toupper((unsigned char)*at) == 'K' || toupper((unsigned char)*at) == 'M' ||
		toupper((unsigned char)*at) == 'G')
		return err_set(e, -EINVAL, "'%.*s' has an unknown unit; write %" PRId64 "%ciB", QUOTE_MAX,
			text, value, toupper((unsigned char)*at));
	return err_set(e, -EINVAL, "'%.*s' has an unknown unit; write it in KiB, MiB or GiB, such as 64KiB",
		QUOTE_MAX, text);
}

/* One `NUMBER UNIT` of a duration. *io_next is the first unit that may still come. */
static int
take_duration_part(const char **io_at, size_t *io_next, int64_t *io_ms)
{
	int64_t value;
	size_t length;
	int r = take_digits(io_at, &value);

	if (r == -EINVAL)
		return r;
	length = strspn(*io_at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	for (size_t i = *io_next; i < array_len(duration_units); i++) {
		if (length != strlen(duration_units[i].name) ||
			strncmp(*io_at, duration_units[i].name, length) != 0)
			continue;
		*io_at += length;
		*io_next = i + 1;
		if (r < 0 || __builtin_mul_overflow(value, duration_units[i].factor, &value) ||
			__builtin_add_overflow(*io_ms, value, io_ms))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

int
parse_duration(const char *text, int64_t *ret_ms, struct err *e)
{
	const char *at = text;
	int64_t ms = 0;
	size_t next = 0;
	int r = 0;

	if (strcmp(text, "off") == 0 || strcmp(text, "0") == 0) {
		*ret_ms = text[0] == 'o' ? PARSE_OFF : 0;
		return 0;
	}
	if (*text != '\0' && strlen(text) < 16 && text[strspn(text, "0123456789")] == '\0')
		return err_set(e, -EINVAL, "%s has no unit; write %ss (or ms, m, h)", text, text);
	do
		r = take_duration_part(&at, &next, &ms);
	while (r == 0 && *at != '\0');
	if (r == -ERANGE)
		return err_set(e, r, "%.*s is too long a time", QUOTE_MAX, text);
	if (r < 0)
		return err_set(e, r,
			"'%.*s' is not a duration; write a number with a unit: 250ms, 30s, 5m, 1h", QUOTE_MAX,
			text);
	*ret_ms = ms;
	return 0;
}

int
parse_mode(const char *text, mode_t *ret, struct err *e)
{
	size_t digits = strspn(text, "01234567");
	unsigned mode = 0;

	if (digits == 0 || text[digits] != '\0' || digits > 6) {
		if (strncmp(text, "0o", 2) == 0 && strlen(text) <= 6)
			return err_set(e, -EINVAL, "mode %s has a prefix of other languages; write \"0%s\"",
				text, text + 2);
		return err_set(e, -EINVAL, "'%.*s' is not a file mode; write it in octal, such as \"0660\"",
			QUOTE_MAX, text);
	}
	if (text[0] != '0')
		return err_set(e, -EINVAL, "mode %s is decimal; write \"0%s\"", text, text);
	for (const char *at = text; *at != '\0'; at++)
		mode = mode * 8 + (unsigned)(*at - '0');
	if (mode > 0777)
		return err_set(e, -ERANGE, "mode %s is out of range; write \"0000\" to \"0777\"", text);
	*ret = (mode_t)mode;
	return 0;
}

static const struct unit rate_units[] = {
	{ "/s", 1000 },
	{ "/m", 60000 },
	{ "/h", 3600000 },
};

int
parse_rate(const char *text, int64_t *ret_count, int64_t *ret_per_ms, struct err *e)
{
	const char *at = text;
	int64_t count;
	int r;

	if (strcmp(text, "off") == 0) {
		*ret_count = 0;
		*ret_per_ms = rate_units[0].factor;
		return 0;
	}
	r = take_digits(&at, &count);
	if (r == 0 && *at == '\0')
		return err_set(e, -EINVAL, "%s does not say in what time; write %s/s, %s/m or %s/h", text,
			text, text, text);
	for (size_t i = 0; r != -EINVAL && i < array_len(rate_units); i++) {
		if (strcmp(at, rate_units[i].name) != 0)
			continue;
		if (r < 0 || count == 0 || count > 1000000000)
			return err_set(e, -ERANGE, "%.*s is out of range; write 1%s to 1000000000%s, or off",
				QUOTE_MAX, text, at, at);
		*ret_count = count;
		*ret_per_ms = rate_units[i].factor;
		return 0;
	}
	return err_set(e, -EINVAL, "'%.*s' is not a rate; write such as 20/s, 300/m, 1000/h or off",
		QUOTE_MAX, text);
}

int
parse_bandwidth(const char *text, int64_t *ret_bytes, struct err *e)
{
	size_t size = strlen(text);
	char copy[QUOTE_MAX];

	if (strcmp(text, "off") == 0) {
		*ret_bytes = PARSE_OFF;
		return 0;
	}
	if (size > 2 && size < sizeof copy && strcmp(text + size - 2, "/s") == 0) {
		memcpy(copy, text, size - 2);
		copy[size - 2] = '\0';
		return parse_size(copy, ret_bytes, e);
	}
	if (size < sizeof copy && parse_size(text, ret_bytes, NULL) == 0)
		return err_set(e, -EINVAL, "%s does not say in what time; write %s/s", text, text);
	return err_set(e, -EINVAL,
		"'%.*s' is not a bandwidth; write bytes in a second such as 10MiB/s, or off", QUOTE_MAX,
		text);
}

const char *
parse_format_rate(int64_t count, int64_t per_ms, char buffer[PARSE_TEXT_SIZE])
{
	if (count == 0)
		snprintf(buffer, PARSE_TEXT_SIZE, "off");
	for (size_t i = 0; count != 0 && i < array_len(rate_units); i++)
		if (rate_units[i].factor == per_ms)
			snprintf(buffer, PARSE_TEXT_SIZE, "%" PRId64 "%s", count, rate_units[i].name);
	return buffer;
}

const char *
parse_format_bandwidth(int64_t bytes, char buffer[PARSE_TEXT_SIZE])
{
	if (bytes == PARSE_OFF)
		snprintf(buffer, PARSE_TEXT_SIZE, "off");
	else
		strcat(strcpy(buffer, parse_format_size(bytes, (char[PARSE_TEXT_SIZE]){ 0 })), "/s");
	return buffer;
}

const char *
parse_format_duration(int64_t ms, char buffer[PARSE_TEXT_SIZE])
{
	if (ms == PARSE_OFF || ms == 0) {
		snprintf(buffer, PARSE_TEXT_SIZE, "%s", ms == 0 ? "0s" : "off");
		return buffer;
	}
	for (size_t i = 0; i < array_len(duration_units); i++) {
		if (ms % duration_units[i].factor != 0)
			continue;
		snprintf(buffer, PARSE_TEXT_SIZE, "%" PRId64 "%s", ms / duration_units[i].factor,
			duration_units[i].name);
		break;
	}
	return buffer;
}

const char *
parse_format_size(int64_t bytes, char buffer[PARSE_TEXT_SIZE])
{
	snprintf(buffer, PARSE_TEXT_SIZE, "%" PRId64, bytes);
	for (size_t i = 0; bytes != 0 && i < 3; i++) {
		if (bytes % size_units[i].factor != 0)
			continue;
		snprintf(buffer, PARSE_TEXT_SIZE, "%" PRId64 "%s", bytes / size_units[i].factor,
			size_units[i].name);
		break;
	}
	return buffer;
}

bool
parse_span_is(struct parse_span span, const char *text)
{
	return strlen(text) == span.size && memcmp(span.at, text, span.size) == 0;
}

int
parse_scheme(const char *text, struct parse_span *ret_scheme, const char **ret_rest, struct err *e)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+");

	if (length == 0 || text[length] != ':' || isdigit((unsigned char)text[0]))
		return err_set(
			e, -EINVAL, "'%.*s' does not start with a scheme such as tcp://", QUOTE_MAX, text);
	*ret_scheme = (struct parse_span){ text, length };
	*ret_rest = text + length + 1;
	return 0;
}

static int
check_literal(struct parse_span host, int family, const char *kind, struct err *e)
{
	char copy[INET6_ADDRSTRLEN + 1];
	unsigned char address[sizeof(struct in6_addr)];
	const char *zone = family == AF_INET6 ? memchr(host.at, '%', host.size) : NULL;
	size_t size = zone != NULL ? (size_t)(zone - host.at) : host.size;

	if (size < sizeof copy) {
		memcpy(copy, host.at, size);
		copy[size] = '\0';
		if (inet_pton(family, copy, address) == 1 &&
			(zone == NULL || (host.size - size > 1 && host.size - size <= 16)))
			return 0;
	}
	return err_set(e, -EINVAL, "'%.*s' is not an %s address",
		(int)(host.size < QUOTE_MAX ? host.size : QUOTE_MAX), host.at, kind);
}

/* What a host name may look like; whether it exists is for the resolver to say. */
static int
check_name(struct parse_span host, struct err *e)
{
	bool digits_only = host.size > 0;

	if (host.size == 0 || parse_span_is(host, "*"))
		return 0;
	for (size_t i = 0; i < host.size; i++) {
		unsigned char c = (unsigned char)host.at[i];

		digits_only = digits_only && (isdigit(c) || c == '.');
		if (!isalnum(c) && c != '.' && c != '-' && c != '_')
			return err_set(e, -EINVAL, "'%.*s' is neither an address nor a host name",
				(int)(host.size < QUOTE_MAX ? host.size : QUOTE_MAX), host.at);
	}
	if (host.size > 253)
		return err_set(e, -EINVAL, "a host name has at most 253 characters");
	return digits_only ? check_literal(host, AF_INET, "IPv4", e) : 0;
}

static int
check_port(const char *text, uint16_t *ret_port, struct err *e)
{
	int64_t port;

	if (*text == '\0')
		return err_set(e, -EINVAL, "the port is missing after the ':'; 0 lets the kernel choose one");
	if (text[strspn(text, "0123456789")] != '\0')
		return err_set(
			e, -EINVAL, "'%.*s' is not a port; write a number from 0 to 65535", QUOTE_MAX, text);
	if (take_digits(&text, &port) < 0 || port > UINT16_MAX)
		return err_set(e, -ERANGE, "the port is out of range; write a number from 0 to 65535");
	*ret_port = (uint16_t)port;
	return 0;
}

int
parse_host_port(const char *text, struct parse_span *ret_host, enum parse_family *ret_family,
	uint16_t *ret_port, struct err *e)
{
	const char *colon = strrchr(text, ':');
	struct parse_span host = { text, 0 };
	enum parse_family family = PARSE_NAME;
	int r;

	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (end == NULL)
			return err_set(e, -EINVAL, "the ']' after the IPv6 address is missing");
		host = (struct parse_span){ text + 1, (size_t)(end - text) - 1 };
		colon = end + 1;
		if (*colon != ':')
			return err_set(e, -EINVAL, "a ':' and a port have to follow the ']'");
		family = PARSE_IPV6;
	} else if (colon != NULL) {
		host.size = (size_t)(colon - text);
		if (memchr(text, ':', host.size) != NULL)
			return err_set(e, -EINVAL, "an IPv6 address stands in brackets: [%.*s]:PORT",
				(int)(host.size < QUOTE_MAX ? host.size : QUOTE_MAX), text);
	} else
		return err_set(e, -EINVAL, "'%.*s' has no port; write HOST:PORT", QUOTE_MAX, text);
	r = family == PARSE_IPV6 ? check_literal(host, AF_INET6, "IPv6", e) : check_name(host, e);
	if (r == 0)
		r = check_port(colon + 1, ret_port, e);
	if (r < 0)
		return r;
	if (family == PARSE_NAME && host.size > 0 && host.at[0] != '*' &&
		check_literal(host, AF_INET, "IPv4", NULL) == 0)
		family = PARSE_IPV4;
	*ret_host = host;
	*ret_family = family;
	return 0;
}

enum { DISTANCE_MAX = 63 };

size_t
parse_distance(const char *a, const char *b)
{
	size_t a_size = strlen(a), b_size = strlen(b);
	unsigned char rows[3][DISTANCE_MAX + 1];

	if (a_size > DISTANCE_MAX || b_size > DISTANCE_MAX)
		return a_size > b_size ? a_size : b_size;
	for (size_t j = 0; j <= b_size; j++)
		rows[0][j] = (unsigned char)j;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned char *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = (unsigned char)i;
		for (size_t j = 1; j <= b_size; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = above[j] + 1u < best ? above[j] + 1u : best;
			best = row[j - 1] + 1u < best ? row[j - 1] + 1u : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				two_above[j - 2] + 1u < best)
				best = two_above[j - 2] + 1u;
			row[j] = (unsigned char)best;
		}
	}
	return rows[a_size % 3][b_size];
}

const char *
parse_nearest(const char *word, const char *const *names, size_t count)
{
	size_t size = strlen(word), limit = size <= 4 ? 1 : size <= 8 ? 2 : 3, best = limit + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t distance = parse_distance(word, names[i]);

		if (distance < best && distance < strlen(names[i])) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
