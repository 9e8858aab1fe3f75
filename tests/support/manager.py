"""A service manager as far as sd_notify(3) and LISTEN_FDS go: it keeps descriptors (FDSTORE) and passes them on.

A Daemon of harness.py that is started by Manager.daemon() talks to it, and through it to the harness.
"""

import array
import json
import os
import pathlib
import socket
import sys
import tempfile
import threading

import harness

# Puts the descriptors where LISTEN_FDS wants them, then becomes the daemon; LISTEN_PID is known only here.
WRAPPER = """
import fcntl, json, os, sys
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 500) for fd in json.loads(sys.argv[1])]
for place, fd in enumerate(high):
    os.dup2(fd, 3 + place)
    os.close(fd)
if high:
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class Manager:
    """Keeps what it is given while `with` lasts."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="manager"))
        self.stored = []  # (name, descriptor), as they came
        self.told = []    # every assignment about them: (key, name)
        self.barriers = 0
        self.most = None  # how many it takes; None: all
        self.changed = threading.Condition()
        self.forward = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.dir / "notify"))
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(harness.PATIENCE_S)
        self.socket.close()
        for _, fd in self.stored:
            os.close(fd)

    def _listen(self):
        size = array.array("i").itemsize
        while True:
            text, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(16 * size))
            if not text:
                return
            fds = array.array("i")
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(data[:len(data) - len(data) % size])
            with self.changed:
                self._obey(dict(line.split("=", 1) for line in text.decode("utf-8", "replace").splitlines() if "=" in line),
                           list(fds))
                self.changed.notify_all()
            if self.forward is not None:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                    try:
                        s.sendto(text, self.forward)
                    except OSError:
                        pass  # the harness has closed its ears

    def _obey(self, note, fds):
        name = note.get("FDNAME")
        if note.get("FDSTORE") == "1":
            assert note.get("FDPOLL") == "0" and len(fds) == 1, note
            self.told.append(("FDSTORE", name))
            known = {os.stat(fd).st_ino for _, fd in self.stored}
            if os.stat(fds[0]).st_ino not in known and (self.most is None or len(self.stored) < self.most):
                self.stored.append((name, fds.pop()))
        if note.get("FDSTOREREMOVE") == "1":
            self.told.append(("FDSTOREREMOVE", name))
            for entry in [e for e in self.stored if e[0] == name]:
                os.close(entry[1])
                self.stored.remove(entry)
        self.barriers += note.get("BARRIER") == "1"
        for fd in fds:
            os.close(fd)

    # -- what a test does

    def daemon(self, listeners=None, **options):
        """A Daemon that gets what is kept here. It is not started yet."""
        with self.changed:
            names, fds = [name for name, _ in self.stored], [fd for _, fd in self.stored]
        wrapper = [sys.executable, "-c", WRAPPER, json.dumps(fds), ":".join(names)]
        d = harness.Daemon(listeners, wrapper=wrapper, pass_fds=fds, **options)
        self.forward = d.env["NOTIFY_SOCKET"]
        d.env["NOTIFY_SOCKET"] = str(self.dir / "notify")
        return d

    def wait(self, condition, what):
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), harness.PATIENCE_S), (what, self.stored, self.told)

    def listeners(self):
        """The names of the listeners whose sockets are kept, sorted."""
        with self.changed:
            return sorted(name.split(".", 4)[4] for name, _ in self.stored)
