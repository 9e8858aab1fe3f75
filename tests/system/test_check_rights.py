#!/usr/bin/env python3
"""Plugins that are only checked have the rights of a worker, and no more; and who a worker is may change."""

import json
import os
import pwd
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from reloading import TCP, Reloading, echo, roundtrip
from test_processes import field, workers
from test_upgrade import Installed

NOBODY = pwd.getpwnam("daemon")


def confession(text):
    """What the plugin said of itself, as a map."""
    found = dict(re.findall(r"(\w+)=(\w+)", text[text.index("loaded_as="):]))
    ignored = int(found.pop("ignored"), 16)
    found["ignores"] = all(ignored >> (n - 1) & 1 for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1))
    assert int(found.pop("groups")) <= 1, text  # its own, or none beside it
    return found


EXPECTED = {"loaded_as": str(NOBODY.pw_uid), "uid": str(NOBODY.pw_uid), "gid": str(NOBODY.pw_gid),
            "root_again": "0", "caps": "0" * 16, "doors": "1", "notify": "0", "ignores": True}


def test_the_check_of_a_reload_has_the_rights_of_a_worker():
    harness.need_root()
    d = Reloading({"a": echo()}, {"user": "daemon"})
    harness.build_plugin(d.dir, "confess")
    d.start()
    with d.connect("a") as c:
        d.listeners["b"] = echo(TCP, "confess")

        e = d.reload_badly("loaded_as=")

        assert confession(e["msg"]) == EXPECTED, e["msg"]
        roundtrip(c)
        assert d.stop() == 0


def test_the_check_of_a_test_run_has_the_rights_of_a_worker(tmp):
    harness.need_root()
    harness.build_plugin(tmp, "confess")
    tree = {"version": 1, "daemon": {"plugin_path": [str(tmp)], "user": "daemon"}, "listeners": {"a": echo(TCP, "confess")}}
    (tmp / "sockd.yaml").write_text(json.dumps(tree))

    result = harness.run_sockd("-t", "-c", tmp / "sockd.yaml", env={"NOTIFY_SOCKET": "/nowhere"})

    assert result.returncode == 78, result
    assert confession(result.stderr) == EXPECTED, result.stderr


def test_whoever_cannot_become_the_user_tests_as_himself(tmp):
    harness.need_root()
    harness.need_tool("setpriv")
    harness.build_plugin(tmp, "confess")
    tree = {"version": 1, "daemon": {"plugin_path": [str(tmp)], "user": "root"}, "listeners": {"a": echo(TCP, "confess")}}
    (tmp / "sockd.yaml").write_text(json.dumps(tree))
    (tmp / "sockd.yaml").chmod(0o644)
    tmp.chmod(0o755)

    result = subprocess.run(["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups", harness.SOCKD, "-t", "-c",
                             tmp / "sockd.yaml"], capture_output=True, text=True, timeout=harness.PATIENCE_S, check=False)

    assert result.returncode == 78, result
    assert confession(result.stderr)["uid"] == str(NOBODY.pw_uid), result.stderr


def test_another_user_is_looked_up_at_once_and_waits_for_an_upgrade(tmp):
    harness.need_root()
    with Installed(tmp, {"echo": echo()}).start() as d:
        tree = json.loads(d.config.read_text())

        def reload(user, event):
            tree["daemon"]["user"] = user
            d.config.write_text(json.dumps(tree))
            since = d.mark()
            d.send(signal.SIGHUP)
            return d.wait_log(event, since=since)

        assert "there is no user 'no-such-user-x'" in reload("no-such-user-x", "reload_refused")["msg"]
        reload("daemon", "reloaded")
        (before,) = workers(d)
        assert field(before, "Uid") == ["0"] * 4

        d.upgrade()

        harness.wait_until(lambda: len(workers(d)) == 1, "the old worker's end")
        (after,) = workers(d)
        assert field(after, "Uid") == [str(NOBODY.pw_uid)] * 4
        os.kill(after, signal.SIGKILL)
        d.wait_log("worker_died")
        harness.wait_until(lambda: len(workers(d)) == 1, "the next worker")
        d.wait_log("worker_ready", generation="3")
        assert field(workers(d)[0], "Uid") == [str(NOBODY.pw_uid)] * 4
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
