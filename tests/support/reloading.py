"""Daemons whose configuration changes while they serve."""

import functools
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness

TCP, UDP = "tcp://127.0.0.1:0", "udp://127.0.0.1:0"


def echo(listen=TCP, plugin="echo", **more):
    return {"listen": listen, "handler": plugin, **more}


def named(word, listen=TCP, plugin="named", **config):
    return {"listen": listen, "handler": {"plugin": plugin, "config": {"word": word, **config}}}


def roundtrip(c, text=b"x"):
    c.sendall(text)
    assert harness.receive_exactly(c, len(text)) == text


def who(c):
    """Which handler answers."""
    c.sendall(b"?")
    answer = b""
    while not answer.endswith(b"\n"):
        part = c.recv(100)
        assert part, "closed"
        answer += part
    return answer.decode().strip()


class Reloading(harness.Daemon):
    """A daemon with the maps `listeners` and `settings` (of daemon:) to be changed, and reload() to put them to use."""

    def __init__(self, listeners, settings=None, **options):
        self.listeners = listeners
        self.settings = {"plugin_path": [str(harness.PLUGINS)], **(settings or {})}
        super().__init__(text="", **options)
        self.settings.setdefault("plugin_path", []).append(str(self.dir))
        self.write()

    def write(self, text=None):
        """The file, whole at once: a reload never meets half of it."""
        if text is None:
            text = json.dumps({"version": 1, "daemon": self.settings, "listeners": self.listeners}, indent=1)
        whole = self.config.with_suffix(".new")
        whole.write_text(text, encoding="utf-8")
        whole.replace(self.config)

    def verdict(self, since, timeout=harness.PATIENCE_S):
        """The next `reloaded` or `reload_refused` of the log."""
        found = []

        def there():
            found[:] = [e for e in self.events[since:] if e.get("event") in ("reloaded", "reload_refused")]
            return found

        self._wait(there, "a verdict", timeout)
        return found[0]

    def reload(self, text=None, timeout=harness.PATIENCE_S):
        """Write, HUP, and wait. @return the event that tells what became of it"""
        self.write(text)
        since = self.mark()
        self.send(signal.SIGHUP)
        return self.verdict(since, timeout)

    def reload_well(self, **options):
        """The same; fails if it is refused. @return the changes, as maps of listener, key, before, after, takes_effect"""
        since = self.mark()
        e = self.reload(**options)
        assert e["event"] == "reloaded", "\n".join(self.lines[-8:])
        return self.find_logs("reload_change", since)

    def reload_badly(self, *words, **options):
        """The same; fails if it is not refused with these words in its reason."""
        e = self.reload(**options)
        assert e["event"] == "reload_refused", e
        for word in words:
            assert word in e["msg"], e
        return e


@functools.cache
def build_named(version):
    """The plugin `named`, built once for all tests of a file. @return its path"""
    code = (harness.SRC / "tests/system/plugins/named.c").read_text()
    return harness.build_plugin(pathlib.Path(tempfile.mkdtemp(prefix="p")), "named", code, f'-DBUILT_AS="{version}"')


def with_named(listeners, settings=None, **options):
    """A daemon that finds the plugin `named` in its folder, started."""
    d = Reloading(listeners, settings, **options)
    shutil.copy(build_named("1"), d.dir / "named.so")
    return d.start()
