"""Numbered datagrams on their way to `collect`, and the account of them in the end: each is written once."""

import collections
import socket
import threading

import harness


class Numbered:
    """Sends 0, 1, 2, ... to a unix datagram socket, each as it can: a full queue makes it wait. It goes as far as it is told."""

    def __init__(self, path, count):
        self.path, self.count = str(path), count
        self.sent, self.goal, self.failure = 0, 0, None
        self.told = threading.Condition()
        self.thread = threading.Thread(target=self._send, daemon=True)
        self.thread.start()

    def _send(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            try:
                s.connect(self.path)
                while self.sent < self.count:
                    with self.told:
                        self.told.wait_for(lambda: self.sent < self.goal)
                    while self.sent < self.goal:
                        s.send(b"%d" % self.sent)
                        self.sent += 1
            except OSError as e:
                self.failure = repr(e)

    def go_on(self, share=1):
        """Send up to this share of all, beginning now."""
        with self.told:
            self.goal = int(self.count * share)
            self.told.notify()

    def wait(self, timeout=harness.PATIENCE_S * 4):
        """Until it has sent what it was told to."""
        harness.wait_until(lambda: self.failure or self.sent >= self.goal, f"{self.goal} datagrams to be sent", timeout)
        assert self.failure is None, f"{self.sent} were sent, then {self.failure}"

    def during(self, acts):
        """Do one after the other, each while a share of the datagrams is on its way; the last share is left."""
        self.go_on(1 / (len(acts) + 2))
        self.wait()
        for number, act in enumerate(acts, 2):
            self.go_on(number / (len(acts) + 2))
            act()
            self.wait()

    def account(self, logs, timeout=harness.PATIENCE_S * 4):
        """Send the rest, wait until these files hold as many records as were sent, and count each. Fails if one is lost or there twice."""
        self.go_on()
        self.wait(timeout)
        harness.wait_until(lambda: sum(log.read_bytes().count(b"\n") for log in logs) >= self.count, "all records", timeout)
        found = collections.Counter(int(line) for log in logs for line in log.read_bytes().splitlines())
        lost = self.count - len(found.keys() & range(self.count))
        twice = sum(times - 1 for times in found.values())
        print(f"# {self.sent} datagrams sent, {found.total()} records in {len(logs)} files: {lost} lost, {twice} duplicated",
              flush=True)
        assert (lost, twice, found.total()) == (0, 0, self.count), (lost, twice, found.total())
