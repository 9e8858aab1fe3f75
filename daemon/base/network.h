/* Networks and addresses of IPv4 and IPv6, without a port. IPv4 stays IPv4 also where it came mapped into
 * IPv6, so that a rule of one family meets a client of that family whichever socket it came by. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"

/** An address is a network of all its bits. */
struct network {
	uint8_t bytes[16]; /* network order; IPv4: the first four. Zero beyond the prefix */
	uint8_t bits;      /* of the prefix: 0 to 32 or 128 */
	bool is_v6;
};

/** Room for what network_format() writes. */
enum { NETWORK_TEXT_SIZE = 64 };

/**
 * `192.0.2.0/24`, `2001:db8::/32`, or an address alone. Bits beyond the prefix are an error that names the
 * network; an IPv4 network that is written as mapped IPv6 becomes IPv4.
 *
 * @param size  of @p text, which need not end in NUL
 * @return 0 or -EINVAL, with what to write instead
 */
must_check int network_parse(const char *text, size_t size, struct network *ret, struct err *e);

/** The address of an inet or inet6 socket. @return false: another family, or too short */
bool network_of_socket(const struct sockaddr *address, socklen_t size, struct network *ret);

static inline unsigned
network_width(const struct network *n)
{
	return n->is_v6 ? 128 : 32;
}

/** Keep the first @p bits of an address; more than it has keeps all. */
struct network network_cut(const struct network *n, unsigned bits);

bool network_contains(const struct network *outer, const struct network *inner);

static inline bool
network_equal(const struct network *a, const struct network *b)
{
	return a->bits == b->bits && network_contains(a, b);
}

/** The text that network_parse() reads back; an address comes without its bits. @return @p text */
char *network_format(const struct network *n, char text[NETWORK_TEXT_SIZE]);

#endif
