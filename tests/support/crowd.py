#!/usr/bin/env python3
"""Many idle clients: crowd.py tcp HOST:PORT COUNT, or crowd.py unix PATH COUNT.

Connects them, says "connected N", and on every line of input sends four bytes on each and checks the answer:
"answered N". A client whose connection failed is not counted. Over tcp they come from several addresses of 127/8, since
one has too few ports.
"""

import resource
import socket
import struct
import sys

PER_ADDRESS = 5000
PATIENCE_S = 60


def connect(transport, where, number):
    if transport == "unix":
        s = socket.socket(socket.AF_UNIX)
        target = "\0" + where[1:] if where.startswith(("@", "\0")) else where
    else:
        s = socket.socket()
        host, port = where.rsplit(":", 1)
        target = (host, int(port))
        if host.startswith("127."):
            s.bind((f"127.0.1.{1 + number // PER_ADDRESS}", 0))
    s.connect(target)  # without a timeout of its own: a unix one would not wait for a place in the backlog
    s.settimeout(PATIENCE_S)
    return s


def count(function, items):
    done = []
    for item in items:
        try:
            done.append(function(item))
        except OSError as e:
            print(f"client {len(done)}: {e}", file=sys.stderr)
    return done


def answers(numbered):
    number, s = numbered
    data, got = struct.pack("!I", number), b""
    s.sendall(data)
    while len(got) < len(data):
        part = s.recv(len(data) - len(got))
        if not part:
            raise ConnectionError("ended")
        got += part
    if got != data:
        raise ConnectionError(f"got {got!r}")
    return s


def main():
    transport, where, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = count(lambda number: connect(transport, where, number), range(wanted))
    print("connected", len(clients), flush=True)
    for _ in sys.stdin:
        print("answered", len(count(answers, enumerate(clients))), flush=True)


if __name__ == "__main__":
    main()
