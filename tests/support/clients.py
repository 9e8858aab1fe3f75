"""Many bytes and many clients, for tests that count either."""

import contextlib
import random
import select
import socket
import subprocess
import sys
import threading

import harness


def pattern(size, seed=1):
    """Bytes that show a part that is lost, doubled or moved: their period is no multiple of anybody's buffer."""
    block = random.Random(seed).randbytes(min(size, (1 << 20) + 7919))
    return (block * (size // max(1, len(block)) + 1))[:size]


def exchange(s, data):
    """Send all of it and end, while another thread reads. @return what came back, up to the end of the stream"""
    def feed():
        with contextlib.suppress(OSError):  # whoever reads sees what is missing
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    received = harness.receive_all(s)
    thread.join(harness.PATIENCE_S)
    return received


class Crowd:
    """Many clients of one address in a process of their own, since descriptors of one process are bounded."""

    def __init__(self, address, count, patience=10 * harness.PATIENCE_S):
        host = address.sockaddr if isinstance(address.sockaddr, str) else f"{address.sockaddr[0]}:{address.sockaddr[1]}"
        self.count, self.patience = count, patience
        self.process = subprocess.Popen([sys.executable, str(harness.SRC / "tests" / "support" / "crowd.py"), address.transport,
                                         host, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect("connected")

    def expect(self, word):
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            raise AssertionError(f"the clients are not '{word}' after {self.patience} s")
        line = self.process.stdout.readline().split()
        if line != [word, str(self.count)]:
            raise AssertionError(f"of {self.count} clients: {' '.join(line) or 'the process ended'}")

    def talk(self):
        """Each sends four bytes of its own and gets them back."""
        print("talk", file=self.process.stdin, flush=True)
        self.expect("answered")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
