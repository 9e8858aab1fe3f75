"""Daemons whose configuration changes while they serve."""

import functools
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading

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


# ---------------------------------------------------------------- mutated configurations

VALUES = [0, -1, 1, 5, "", "x", "off", "5m", "10ms", "64KiB", "0660", 660, True, None, [], {}, ["tcp://127.0.0.1:0"],
          "tcp://127.0.0.1:0", "udp://[::1]:0", "unix:@sockd-mutated", "tcp://256.0.0.1:1", "echo", "echo-serve",
          "discard", "nope", {"plugin": "named", "config": {"word": "m"}}, {"plugin": "named", "config": {"fails": "start"}}]
WORDS = ["listen", "handler", "limits", "connections", "timeouts", "idle", "write", "buffers", "read", "socket", "mode",
         "backlog", "threads", "adress", "log", "level", "shutdown", "spread", "no_delay", "keepalive"]


def places(node, found):
    """Every map or list of the tree with each of its keys."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        found.append((node, key))
        if isinstance(node[key], (dict, list)):
            places(node[key], found)
    return found


def mutated(tree, chance):
    """A copy of a configuration with one to three things changed: not always for the worse."""
    tree = json.loads(json.dumps(tree))
    for _ in range(chance.randint(1, 3)):
        node, key = chance.choice(places(tree["listeners"], [(tree, "listeners")]) + places(tree["daemon"], []))
        what = chance.randrange(5)
        if what == 0 and isinstance(node, dict):
            node[chance.choice(WORDS)] = chance.choice(VALUES)
        elif what == 1 and node is not tree:
            del node[key]
        elif what == 2 and isinstance(node[key], dict):
            node[key][chance.choice(WORDS)] = chance.choice(VALUES)
        elif what == 3 and node is tree["listeners"] and isinstance(node, dict):
            node[f"new{chance.randrange(4)}"] = {"listen": "tcp://127.0.0.1:0", "handler": chance.choice(VALUES)}
        else:
            node[key] = chance.choice(VALUES)
        if not all(isinstance(tree[name], dict) for name in ("daemon", "listeners")):
            break
    text = json.dumps(tree, indent=1)
    if chance.random() < 0.1:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(["", "\x00", ": :", "\t", "}", "&a *b", "é"]) + text[at + 1:]
    return text


class Traffic:
    """Somebody who talks to a listener all the time, and notices every pause of it."""

    def __init__(self, address):
        self.address, self.over, self.problem, self.asked = address, threading.Event(), None, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            with harness.connect(self.address) as kept:
                while not self.over.wait(0.01):
                    roundtrip(kept, b"%d" % self.asked)
                    with harness.connect(self.address) as fresh:
                        roundtrip(fresh)
                    self.asked += 1
        except Exception as e:  # told by whoever ends it
            self.problem = e

    def end(self):
        self.over.set()
        self.thread.join(harness.PATIENCE_S)
        assert self.problem is None, self.problem
        assert self.asked > 0


def served(d):
    """What is served and how, as told by the daemon itself."""
    return [(x["name"], x["plugin"], x["addresses"]) for x in d.ask("listeners")]


def serve_mutated(tmp, count, seed):
    """Reload so many mutated configurations. Each is refused with a place, and nothing changes, or it is served whole;
    somebody who talks to a listener that stays notices nothing."""
    chance = random.Random(seed)
    kept = {"kept": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}
    good = {"a": named("one"), "u": echo(UDP, limits={}), "s": echo(f"unix://{tmp}/s", "echo-serve", socket={"mode": "0600"}),
            "e": echo(timeouts={"idle": "5m"}, buffers={"read": "64KiB"}, backlog=100, threads="all")}
    good["u"].pop("limits")
    d = with_named({**good, **kept}, {"threads": 2, "log": {"level": "info"}, "shutdown": {"timeout": "5s"}})
    traffic, refused = Traffic(d.addr("kept")), 0
    for i in range(count):
        tree = {"version": 1, "daemon": d.settings, "listeners": good}
        text = mutated(tree, chance)
        try:
            parsed = json.loads(text)
            parsed["listeners"].update(kept)
            text = json.dumps(parsed, indent=1)
        except (ValueError, AttributeError, KeyError):
            parsed = None
        before, since = served(d), d.mark()
        e = d.reload(text=text)
        after = served(d)
        if e["event"] == "reload_refused":
            refused += 1
            assert after == before, (i, text, before, after)
            assert str(d.config) in e["msg"] or d.find_logs("configuration", since, level="error"), (i, e, text)
        else:
            assert sorted(x[0] for x in after) == sorted(parsed["listeners"] if parsed else []), (i, text, after)
            for name, _, addresses in after:
                for url in addresses:
                    address = harness.parse_url(url)
                    if address.transport in ("tcp", "unix"):
                        harness.connect(address).close()
        assert d.exit_status is None, (i, text)
    traffic.end()
    assert 0 < refused < count, refused
    assert d.reload()["event"] == "reloaded"
    assert d.stop() == 0
