#!/usr/bin/env python3
"""Clients that call again and again: callers.py NAME=URL ... (tcp://HOST:PORT, udp://HOST:PORT, unix:/PATH, unixgram:/PATH)

For each address one client asks with a connection or a datagram, waits for the echo, and begins anew, until its input ends.
It says "calling" once each was answered, and at the end one line of JSON: for each name how many calls were answered,
when the last of them began, the longest that one took, and every failure with the time at which its call began.
"""

import json
import socket
import sys
import threading
import time

PATIENCE_S = 30     # for a connection, or the answer on it
DATAGRAM_S = 3      # for the answer to a datagram; then it counts as lost
PAUSE_S = 0.004     # between two calls, so that no client runs out of ports


class Caller:
    def __init__(self, name, url):
        self.name, self.answered, self.last, self.longest, self.failures = name, 0, 0.0, 0.0, []
        self.scheme, rest = url.split(":", 1)
        self.is_stream = self.scheme in ("tcp", "unix")
        if self.scheme in ("tcp", "udp"):
            host, port = rest.removeprefix("//").rsplit(":", 1)
            self.family, self.target = socket.AF_INET, (host, int(port))
        else:
            self.family, self.target = socket.AF_UNIX, "\0" + rest[1:] if rest.startswith("@") else rest
        self.first = threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)

    def call(self, data):
        """One question and its answer, on a socket of its own."""
        with socket.socket(self.family, socket.SOCK_STREAM if self.is_stream else socket.SOCK_DGRAM) as s:
            if self.scheme == "unixgram":
                s.bind("")  # an abstract name of the kernel's choice: no file system is shared with the daemon
            if self.scheme == "unix":
                s.connect(self.target)  # with a timeout it would not wait for a place in the backlog
            s.settimeout(PATIENCE_S if self.is_stream else DATAGRAM_S)
            if self.scheme != "unix":
                s.connect(self.target)
            s.sendall(data)
            got = b""
            while len(got) < len(data):
                part = s.recv(len(data) - len(got))
                if not part:
                    raise ConnectionResetError("ended without an answer")
                got += part
            assert got == data, (got, data)

    def loop(self):
        while not STOPPED.is_set():
            began = time.time()
            try:
                self.call(f"{self.name} {self.answered}".encode())
                self.answered += 1
                self.last, self.longest = began, max(self.longest, time.time() - began)
                self.first.set()
            except (OSError, AssertionError) as e:
                self.failures.append((began, type(e).__name__, str(e)))
            STOPPED.wait(PAUSE_S)


STOPPED = threading.Event()


def main():
    callers = [Caller(*argument.split("=", 1)) for argument in sys.argv[1:]]
    for caller in callers:
        caller.thread.start()
    for caller in callers:
        caller.first.wait(PATIENCE_S)
    print("calling", flush=True)
    sys.stdin.read()
    STOPPED.set()
    for caller in callers:
        caller.thread.join()
    print(json.dumps({c.name: {"answered": c.answered, "last": c.last, "longest": c.longest, "failures": c.failures}
                      for c in callers}))


if __name__ == "__main__":
    main()
