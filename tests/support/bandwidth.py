"""Bytes in a second, as clients see them."""

import selectors
import time


def receive(sockets, seconds):
    """Read from all of them for so long. @return how many bytes each gave"""
    counts = dict.fromkeys(sockets, 0)
    with selectors.DefaultSelector() as selector:
        for s in sockets:
            s.setblocking(False)
            selector.register(s, selectors.EVENT_READ)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                try:
                    part = len(key.fileobj.recv(1 << 18))
                except BlockingIOError:
                    continue
                counts[key.fileobj] += part
                if part == 0:
                    selector.unregister(key.fileobj)
    return [counts[s] for s in sockets]


def send(sockets, seconds, until_taken):
    """Write to all of them for so long. @return how many bytes each took; @p until_taken: a sum to stop at"""
    block, counts = bytes(1 << 16), dict.fromkeys(sockets, 0)
    with selectors.DefaultSelector() as selector:
        for s in sockets:
            s.setblocking(False)
            selector.register(s, selectors.EVENT_WRITE)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and sum(counts.values()) < until_taken:
            for key, _ in selector.select(left):
                try:
                    counts[key.fileobj] += key.fileobj.send(block)
                except BlockingIOError:
                    continue
    return [counts[s] for s in sockets]
