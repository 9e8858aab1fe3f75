"""A small Debian with a real systemd in a container, with this build of sockd installed in it.

The tree is made by mmdebstrap once and kept in a cache folder, by its list of packages; booting it takes a second.
Commands run inside by nsenter, so no login and no network are needed; clients of a test that want Python run in the
test itself, within the machine's network namespace (Machine.client()).
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import harness

PACKAGES = ("systemd", "systemd-sysv", "dbus", "procps", "socat", "libevent-core-2.1-7", "libssl3", "libyaml-0-2",
            "libjansson4")
TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter", "tar", "make")
PATIENCE_S, BOOT_PATIENCE_S = 60, 180
CALLERS = str(pathlib.Path(__file__).resolve().parent / "callers.py")
CGROUPS = pathlib.Path("/sys/fs/cgroup")


def cache_folder():
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = base / "sockd-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sources():
    """The host's own list of packages, so that no mirror is named here."""
    found = sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*.sources")) + [pathlib.Path("/etc/apt/sources.list")]
    for file in found:
        if file.exists() and "debian" in file.read_text().lower():
            return file
    harness.skip("there is no apt sources file for Debian here")
    raise AssertionError


def tree_archive():
    """A tar file of the system, made if it is not in the cache yet."""
    key = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:16]
    archive = cache_folder() / f"bookworm-{key}.tar"
    if not archive.exists():
        made = archive.with_suffix(f".{os.getpid()}.new.tar")
        done = subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", made,
                               sources()], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            made.unlink(missing_ok=True)
            harness.skip(f"mmdebstrap cannot make a tree: {done.stderr.strip().splitlines()[-1:]}")
        made.rename(archive)
    return archive


def install_into(tree):
    """Build sockd for /usr, once, and install it there."""
    build = harness.BUILD / "tests" / "usr"
    build.mkdir(parents=True, exist_ok=True)
    with open(build / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several files of tests boot machines at the same time
        if not (build / "config.status").exists():
            subprocess.run([harness.SRC / "configure", "--prefix=/usr", "--sysconfdir=/etc"], cwd=build, check=True,
                           capture_output=True)
        subprocess.run(["make", "-j2", "install", f"DESTDIR={tree}"], cwd=build, check=True, capture_output=True)
    for hidden in ("usr/include", "usr/share/doc/sockd/examples"):
        assert (tree / hidden).exists()


def memory_folder():
    """Thousands of small files come and go sooner in memory; None: there is too little of it."""
    shm = pathlib.Path("/dev/shm")
    return shm if shm.is_dir() and shutil.disk_usage(shm).free > 1 << 30 else None


def enter_cgroup(name):
    """nspawn makes its own cgroups beside its caller: give it one that holds nobody else."""
    made = []
    for base in (CGROUPS, CGROUPS / "unified", CGROUPS / "systemd"):
        if not (base / "cgroup.procs").exists():
            continue
        folder = base / name
        folder.mkdir(exist_ok=True)
        made.append(folder)
    return made


class Machine:
    """Boot on `with`, end at its end."""

    def __enter__(self):
        harness.need_root()
        harness.need_tool(*TOOLS)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="machine", dir=memory_folder()))
        self.tree = self.dir / "tree"
        self.tree.mkdir()
        subprocess.run(["tar", "-xf", tree_archive(), "-C", self.tree], check=True)
        install_into(self.tree)
        name = f"sockd-test-{os.getpid()}"
        self.cgroups = enter_cgroup(name)

        def move():
            for folder in self.cgroups:
                (folder / "cgroup.procs").write_text("0")

        self.log = open(self.dir / "console", "wb")
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.tree, "-b", "--register=no", "--keep-unit", "--private-network",
             "--console=pipe", "-M", name], stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            preexec_fn=move)
        try:
            self.leader = harness.wait_until(self._leader, "the container's first process", BOOT_PATIENCE_S)
            self._boot()
            self.ok("systemd-sysusers")
            self.ok("systemd-tmpfiles", "--create")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.nspawn.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.nspawn.wait(20)
        self.nspawn.kill()
        self.nspawn.wait()
        self.log.close()
        subprocess.run(["rm", "-rf", self.dir], check=False)
        for folder in self.cgroups:
            for path in sorted(folder.glob("**/"), key=lambda p: -len(p.parts)):
                with contextlib.suppress(OSError):
                    path.rmdir()

    def _boot(self):
        said = []

        def is_up():
            self.leader = self._leader() or self.leader  # nspawn's first child only makes the one that stays
            said[:] = [self.run("systemctl", "is-system-running")]
            return said[0].stdout.strip() in ("running", "degraded")

        try:
            harness.wait_until(is_up, "the boot", BOOT_PATIENCE_S)
        except AssertionError:
            jobs = self.run("systemctl", "--no-pager", "list-jobs").stdout
            console = (self.dir / "console").read_text(errors="replace")
            raise AssertionError(f"it does not come up: {said}\n{jobs}\n{console}") from None

    def _leader(self):
        path = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")
        assert self.nspawn.poll() is None, (self.dir / "console").read_text(errors="replace")
        words = path.read_text().split()
        return int(words[-1]) if words else None

    # -- what is done in it

    def run(self, *args, input_text=None, timeout=PATIENCE_S):
        """Run a command inside. @return subprocess.CompletedProcess with text"""
        return subprocess.run(["nsenter", "-t", str(self.leader), "-a", "--", *map(str, args)], input=input_text,
                              stdin=subprocess.DEVNULL if input_text is None else None, capture_output=True, text=True,
                              timeout=timeout, check=False)

    def ok(self, *args, **options):
        """The same, and it has to succeed. @return what it printed"""
        done = self.run(*args, **options)
        assert done.returncode == 0, done
        return done.stdout

    def write(self, path, text, mode=0o644):
        file = self.tree / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def configure(self, listeners, path="/etc/sockd/sockd.yaml", **daemon):
        tree = {"version": 1, "listeners": listeners}
        if daemon:
            tree["daemon"] = daemon
        self.write(path, json.dumps(tree))

    def drop_in(self, unit, text, name="test"):
        self.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        self.ok("systemctl", "daemon-reload")

    # -- what systemd says

    def show(self, unit, *properties):
        """Properties of a unit as a map."""
        text = self.ok("systemctl", "show", unit, *(f"--property={p}" for p in properties))
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def property(self, unit, name):
        return self.show(unit, name)[name]

    def is_state(self, unit, state, timeout=PATIENCE_S):
        harness.wait_until(lambda: self.property(unit, "ActiveState") == state, f"{unit} becomes {state}: "
                           f"{self.run('systemctl', 'status', unit).stdout}", timeout)

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout

    def wait_journal(self, unit, words, timeout=PATIENCE_S):
        """Wait until the journal of the unit has a line that matches. @return the last such line"""
        pattern = re.compile(words)
        found = []

        def there():
            found[:] = [line for line in self.journal(unit).splitlines() if pattern.search(line)]
            return found

        harness.wait_until(there, f"'{words}' in the journal:\n{self.journal(unit)}", timeout)
        return found[-1]

    def forget(self, unit):
        """Stop the unit, and drop what is known of it: its failures, drop-ins and journal."""
        self.run("systemctl", "stop", unit)
        self.run("systemctl", "reset-failed", unit)
        shutil.rmtree(self.tree / f"etc/systemd/system/{unit}.d", ignore_errors=True)
        self.run("systemctl", "daemon-reload")
        self.run("journalctl", "--rotate")
        self.run("journalctl", "--vacuum-time=1ms")

    # -- clients

    def echo(self, address, text="hello"):
        """What comes back for a line that socat sends."""
        return self.run("socat", "-t", "5", "-", address, input_text=text + "\n", timeout=PATIENCE_S).stdout

    @contextlib.contextmanager
    def client(self, port):
        """A process inside that holds a connection to the port; its pipes are the connection."""
        p = subprocess.Popen(["nsenter", "-t", str(self.leader), "-a", "--", "socat", "-t", "30", "-",
                              f"TCP:127.0.0.1:{port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        try:
            yield p
        finally:
            p.stdin.close()
            p.terminate()
            p.wait()
            p.stdout.close()

    def inside(self, path):
        """A path of the machine as this process reaches it, mounts and all."""
        return f"/proc/{self.leader}/root{path}"

    @contextlib.contextmanager
    def calling(self, **urls):
        """callers.py within the machine's network: its result is in what this gives, after the `with`."""
        arguments = [f"{name}={url.replace(':/', ':' + self.inside('/')) if 'unix' in url else url}"
                     for name, url in urls.items()]
        p = subprocess.Popen(["nsenter", "-t", str(self.leader), "-n", "--", sys.executable, CALLERS, *arguments],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        result = {}
        try:
            assert p.stdout.readline() == "calling\n"
            yield result
            result.update(json.loads(p.communicate(timeout=PATIENCE_S)[0]))
        finally:
            p.kill()
            p.wait()

    def kill(self, pid, number=signal.SIGKILL):
        """Signal a process by its number inside (minbase has no /bin/kill)."""
        self.ok("bash", "-c", f"kill -{int(number)} {pid}")


def ask(client, text):
    """One line there and back on Machine.client()."""
    client.stdin.write(text + "\n")
    client.stdin.flush()
    return client.stdout.readline().rstrip("\n")


def pause(seconds):
    """Let time pass where the passing of time is what is tested."""
    time.sleep(seconds)
