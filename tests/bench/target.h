/* Where a server listens: tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT (HOST an IPv4 address),
 * unix:PATH, unixgram:PATH. The load generator connects to it, the raw peers listen on it. */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include <stdbool.h>
#include <sys/socket.h>

enum transport { TCP, TLS, UNIX, UDP, UNIXGRAM, TRANSPORT_COUNT };

struct target {
	enum transport transport;
	struct sockaddr_storage address;
	socklen_t size;
};

/** End the program with a message, and errno's if it is set. */
_Noreturn void die(const char *what);

/** Dies on anything else than a target. */
struct target target_parse(const char *url);
bool target_is_datagram(const struct target *t);
bool target_is_ip(const struct target *t);

/** A non-blocking socket that is bound, and listens if it is a stream's. Dies if that fails.
 * @param shared  a TCP port that other threads listen on as well (SO_REUSEPORT) */
int target_listen(const struct target *t, bool shared);

/** As many descriptors as this process may have. */
void raise_descriptor_limit(void);

#endif
