/* Connected datagram sockets that plugins dialled: the connection of any other, whose reader and writer speak
 * of messages. */
#ifndef ENGINE_DIAL_DGRAM_H
#define ENGINE_DIAL_DGRAM_H

#include "engine/conn.h"

extern const struct sockd_reader_ops dialled_datagram_reader_ops;
extern const struct sockd_writer_ops dialled_datagram_writer_ops;

/** Event style: hand out the datagrams that have come. */
void dialled_datagram_pump(struct conn *c);

/** @return whether a read would give something now without waiting: bytes, or a datagram, which may be empty;
 * of any reader */
bool datagram_is_there(struct sockd_reader r);

#endif
