"""What the system tests share: a daemon of their own, its clients, and the TAP that tests/run reads.

A test file is a script of `test_...` functions that ends with

    if __name__ == "__main__":
        harness.main()

Each function runs with a fresh folder (its parameter `tmp`, if it has one); the daemons that it starts are ended after
it, and a sanitizer's report in a daemon's output fails the test. Nothing here sleeps: READY=1, log lines and process
ends are waited for.
"""

import collections
import contextlib
import fcntl
import inspect
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import traceback

SRC = pathlib.Path(os.environ.get("SOCKD_SRC") or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("SOCKD_BUILD") or os.getcwd())
SOCKD, SOCKCTL = BUILD / "sockd", BUILD / "sockctl"
PLUGINS = BUILD / "stage-plugins"
SANITIZED = bool(os.environ.get("SOCKD_SANITIZE", "").strip())
COVERAGE = bool(os.environ.get("SOCKD_COVERAGE", "").strip())

# How long anything may take before the test fails: longer where each step costs more.
PATIENCE_S = 60 if SANITIZED or COVERAGE else 20

LOG_FIELD = re.compile(r'([a-z0-9_]+)=("(?:[^"\\]|\\.)*"|\S*)')
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ")
ESCAPE = re.compile(r'\\(x[0-9a-fA-F]{2}|.)')

Address = collections.namedtuple("Address", "transport family sockaddr url")


class Skip(Exception):
    """Raised by skip()."""


def skip(reason):
    """End this test as skipped."""
    raise Skip(reason)


def need_tool(*names):
    """Skip the test unless these programs are installed."""
    for name in names:
        if shutil.which(name) is None:
            skip(f"{name} is not installed")


def need_root():
    if os.geteuid() != 0:
        skip("needs root")


def need_reachable_build():
    """For a program of the build tree that another user runs, or opens files there as another user."""
    for folder in (BUILD, *BUILD.parents):
        mode = folder.stat().st_mode & 0o777
        if not mode & 0o001:
            skip(f"another user cannot reach the build tree: {folder} has mode {mode:04o}")


# ---------------------------------------------------------------- addresses and clients


def parse_url(url):
    """An address as the daemon logs it: tcp://127.0.0.1:7000, udp://[::1]:53, unix:/path, unix:///path, unix:@name."""
    scheme, rest = url.split(":", 1)
    if scheme.startswith(("tcp", "udp")):
        host, port = rest.removeprefix("//").rsplit(":", 1)
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return Address(scheme[:3], family, (host, int(port)), url)
    path = rest.removeprefix("//")
    return Address(scheme, socket.AF_UNIX, "\0" + path[1:] if path.startswith("@") else path, url)


def connect(address, timeout=PATIENCE_S, receive_buffer=None):
    """A connected stream socket."""
    s = socket.socket(address.family, socket.SOCK_STREAM)
    s.settimeout(timeout)
    if receive_buffer is not None:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.connect(address.sockaddr)
    return s


def datagram(address, bind=None, timeout=PATIENCE_S):
    """A connected datagram socket; a unix one can only be answered if it is bound to a path of its own."""
    s = socket.socket(address.family, socket.SOCK_DGRAM)
    s.settimeout(timeout)
    if bind is not None:
        s.bind(str(bind))
    s.connect(address.sockaddr)
    return s


def receive_exactly(s, size):
    """So many bytes; fails if the stream ends before."""
    parts, missing = [], size
    while missing > 0:
        part = s.recv(min(missing, 1 << 20))
        if not part:
            raise AssertionError(f"the stream ended with {missing} of {size} bytes missing")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def receive_all(s):
    """Everything up to the end of the stream."""
    parts = []
    while part := s.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def unsent(s):
    """How many bytes the peer's kernel has yet to take."""
    return struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)))[0]


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    """A port that was free a moment ago. Port 0 in the configuration is better wherever it will do."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def wait_until(condition, what, timeout=PATIENCE_S):
    """Ask again and again, for states that nothing announces (such as a count in /proc). @return what it gave."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(0.01)
    return value


def tcp_listeners():
    """@return {inode: port} of all sockets that listen on tcp over IPv4, whoever's, told without connecting to any.

    The kernel gives the table in pieces and goes on by count where it changed meanwhile, so that one look may miss a line."""
    found = {}
    for _ in range(3):
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            found.update({e[9]: int(e[1].rpartition(":")[2], 16) for e in map(str.split, sockets) if e[3] == "0A"})
    return found


# ---------------------------------------------------------------- the daemon


def parse_log_line(line):
    """One line of the log as a map: its keys, and `level`. Empty for a line that is no event."""
    if line.startswith("{"):
        try:
            return {k: v if isinstance(v, str) else json.dumps(v) for k, v in json.loads(line).items()}
        except ValueError:
            return {}
    fields = {}
    for key, value in LOG_FIELD.findall(line):
        if value.startswith('"'):
            value = ESCAPE.sub(unescape, value[1:-1])
        fields.setdefault(key, value)
    if "event" not in fields:
        return {}
    for word in line.split(" event=", 1)[0].split():
        if word.strip("[]:") in ("error", "warning", "notice", "info", "debug"):
            fields.setdefault("level", word.strip("[]:"))
    return fields


def unescape(match):
    code = match.group(1)
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r"}.get(code, code)


class Daemon:
    """A sockd of this test's own.

    Daemon(listeners={"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}) writes the file from maps (JSON is
    YAML), with the built plugins on the path; `daemon=` and `defaults=` are the maps of the same name. Or text=: the
    whole file; ${SOCKD_PLUGINS} in it is the folder of the built plugins, ${SOCKD_DIR} the daemon's own folder.
    args= are more arguments, command= replaces `-c FILE` altogether, wrapper= goes before the program (strace ...).
    rlimits= maps resource.RLIMIT_... to a number or a pair. pass_fds= as in subprocess.
    """

    running = []  # started by the test that runs now; main() ends them

    def __init__(self, listeners=None, *, text=None, daemon=None, defaults=None, args=(), command=None, wrapper=(),
                 env=None, rlimits=None, pass_fds=(), before_exec=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="d"))
        self.config = self.dir / "sockd.yaml"
        if text is None:
            tree = {"version": 1, "daemon": {"plugin_path": [str(PLUGINS)], **(daemon or {})},
                    "listeners": listeners or {}}
            if defaults:
                tree["defaults"] = defaults
            text = json.dumps(tree, indent=1, ensure_ascii=False)
        self.config.write_text(text, encoding="utf-8")
        self.command = [*map(str, wrapper), str(SOCKD), *(command or ("-c", str(self.config))), *map(str, args)]
        self.rlimits, self.pass_fds, self.before_exec = rlimits or {}, pass_fds, before_exec
        self.changed = threading.Condition()
        self.lines, self.events, self.notes = [], [], []  # stderr; parsed log; (key, value) of sd_notify
        self.process, self.exit_status, self.threads = None, None, []
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(self.dir / "notify"))
        # RUNTIME_DIRECTORY is where the admin socket goes, so that no daemon meets another's.
        self.env = {**os.environ, "NOTIFY_SOCKET": str(self.dir / "notify"), "SOCKD_DIR": str(self.dir),
                    "RUNTIME_DIRECTORY": str(self.dir), "SOCKD_PLUGINS": str(PLUGINS), **(env or {})}

    # -- life

    def launch(self):
        """Start it and wait for nothing."""
        def prepare():
            for limit, value in self.rlimits.items():
                resource.setrlimit(limit, value if isinstance(value, tuple) else (value, value))
            if self.before_exec is not None:
                self.before_exec()

        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=self.env, cwd=self.dir, pass_fds=self.pass_fds,
                                        preexec_fn=prepare)
        Daemon.running.append(self)
        self.stdout = ""
        for target in (self._read_stdout, self._read_log, self._read_notify, self._reap):
            thread = threading.Thread(target=target, daemon=True)
            thread.start()
            self.threads.append(thread)
        return self

    def start(self, timeout=PATIENCE_S):
        """Start it and wait for READY=1. Fails with its output if it ends instead."""
        self.launch()
        self._wait(lambda: ("READY", "1") in self.notes or self.exit_status is not None, "READY=1", timeout)
        if ("READY", "1") not in self.notes:
            raise AssertionError(f"sockd ended with status {self.exit_status}:\n" + "\n".join(self.lines[-30:]))
        return self

    def __enter__(self):
        return self if self.process is not None else self.start()

    def __exit__(self, *_):
        self.close()

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE_S):
        """Its exit status, as in subprocess: negative for a signal."""
        self._wait(lambda: self.exit_status is not None, "the end of sockd", timeout)
        for thread in self.threads:
            thread.join(timeout)
        return self.exit_status

    def stop(self, number=signal.SIGTERM, timeout=PATIENCE_S):
        """Ask it to drain and end. @return the exit status"""
        self.send(number)
        return self.wait(timeout)

    def kill(self):
        if self.exit_status is None and self.process is not None:
            self.process.kill()
        return self.wait()

    def close(self):
        """End it in any way and remove its folder; a sanitizer's report is a failure."""
        if self.process is not None and self.exit_status is None:
            if COVERAGE:
                self._ask_to_end()
            self.process.kill()
            self.wait()
        with contextlib.suppress(ValueError):
            Daemon.running.remove(self)
        shutil.rmtree(self.dir, ignore_errors=True)
        self.check_sanitizers()

    def _ask_to_end(self):
        """Lines are counted by who ends by itself; the second signal is the one that waits for nobody."""
        for _ in range(2):
            with contextlib.suppress(AssertionError):
                self.stop(timeout=2)
                return

    def check_sanitizers(self):
        for i, line in enumerate(self.lines):
            if SANITIZER_REPORT.search(line):
                raise AssertionError("a sanitizer reports:\n" + "\n".join(self.lines[i:i + 40]))

    # -- what it says

    def wait_for(self, condition, what, timeout=PATIENCE_S):
        """Wait until a condition on what it said, or on its end, holds."""
        self._wait(condition, what, timeout)

    def _wait(self, condition, what, timeout):
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise AssertionError(f"waited {timeout} s in vain for {what}; the log ends with:\n"
                                     + "\n".join(self.lines[-15:]))

    def _read_stdout(self):
        text = self.process.stdout.read().decode("utf-8", "replace")
        with self.changed:
            self.stdout = text

    def _read_log(self):
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            fields = parse_log_line(line)
            with self.changed:
                self.lines.append(line)
                if fields:
                    self.events.append(fields)
                self.changed.notify_all()

    def _read_notify(self):
        while text := self.notify.recv(65536).decode("utf-8", "replace"):
            with self.changed:
                self.notes += [tuple(line.split("=", 1)) for line in text.splitlines() if "=" in line]
                self.changed.notify_all()
        self.notify.close()

    def _reap(self):
        status = self.process.wait()
        for thread in self.threads[:2]:  # whoever learns of the end finds all that was said before it
            thread.join(PATIENCE_S)
        with self.changed:
            self.exit_status = status
            self.changed.notify_all()
        self.notify.shutdown(socket.SHUT_RDWR)  # _read_notify takes what is queued, then sees an end

    def status_lines(self):
        """All STATUS= texts so far."""
        with self.changed:
            return [value for key, value in self.notes if key == "STATUS"]

    def wait_status(self, fits, timeout=PATIENCE_S):
        """Wait until the last STATUS= text is one that @p fits says yes to."""
        def there():
            texts = [v for k, v in self.notes if k == "STATUS"]
            return texts and fits(texts[-1])

        self._wait(there, "a STATUS", timeout)

    def wait_note(self, key, value=None, timeout=PATIENCE_S):
        """Wait for an sd_notify assignment. @return its value"""
        found = []

        def there():
            found[:] = [v for k, v in self.notes if k == key and (value is None or v == value)]
            return found

        self._wait(there, f"{key}={value or '...'}", timeout)
        return found[-1]

    def mark(self):
        """A place in the log, for since=."""
        with self.changed:
            return len(self.events)

    def find_logs(self, event, since=0, **fields):
        """Events of that name whose fields are these; a field may be a function that judges the text."""
        def fits(e):
            return e.get("event") == event and all(
                (want(e[k]) if callable(want) else e[k] == str(want)) if k in e else False
                for k, want in fields.items())
        with self.changed:
            return [e for e in self.events[since:] if fits(e)]

    def wait_log(self, event, timeout=PATIENCE_S, since=0, count=1, **fields):
        """Wait until so many such events are logged. @return the last of them, as a map of strings"""
        found = []

        def there():
            found[:] = self.find_logs(event, since, **fields)
            return len(found) >= count

        self._wait(there, f"event={event} {fields or ''}", timeout)
        return found[-1]

    def addresses(self, listener):
        """Where it really listens, in the order of the file."""
        self.wait_log("listening", listener=listener)
        self.wait_log("ready")  # by then all of them are told
        urls = [e["address"] for e in self.find_logs("listening", listener=listener)]
        return [parse_url(url) for url in dict.fromkeys(urls)]

    def addr(self, listener, transport=None):
        """The first address of a listener (of that transport)."""
        for address in self.addresses(listener):
            if transport in (None, address.transport):
                return address
        raise AssertionError(f"listener '{listener}' has no {transport} address")

    def connect(self, listener, **options):
        return connect(self.addr(listener), **options)

    def datagram(self, listener, **options):
        return self.datagram_to(self.addr(listener), **options)

    def datagram_to(self, address, **options):
        if address.family == socket.AF_UNIX:
            options.setdefault("bind", tempfile.mktemp(prefix="c", dir=self.dir))
        return datagram(address, **options)

    # -- what it says when asked

    def sockctl(self, *args, timeout=PATIENCE_S, **options):
        """Run sockctl on this daemon's admin socket. @return subprocess.CompletedProcess with text"""
        return run_sockctl("--socket", self.dir / "admin.sock", *args, timeout=timeout, **options)

    def ask(self, *args):
        """What sockctl --json prints, as a value; fails if it fails."""
        done = self.sockctl("--json", *args)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    # -- what it costs

    def pids(self):
        """The process and all that it started."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            with contextlib.suppress(OSError):  # it has ended meanwhile
                for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                    with contextlib.suppress(OSError):
                        todo += map(int, children.read_text().split())
        return found

    @contextlib.contextmanager
    def standing_still(self):
        """The workers do nothing meanwhile; what was sent to them lies in the kernel at the end."""
        serving = self.pids()[1:]

        def tell(number):
            for pid in serving:
                with contextlib.suppress(ProcessLookupError):  # a program that has ended meanwhile
                    os.kill(pid, number)

        tell(signal.SIGSTOP)
        yield
        time.sleep(0.05)  # it is on its way
        tell(signal.SIGCONT)

    def cpu_seconds(self):
        """Processor time used so far, user and system."""
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def fd_count(self):
        count = 0
        for pid in self.pids():
            with contextlib.suppress(FileNotFoundError):  # a child that has just ended
                count += len(os.listdir(f"/proc/{pid}/fd"))
        return count

    def _memory_kib(self, key):
        total = 0
        for pid in self.pids():
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE).group(1))
        return total

    def rss_kib(self):
        return self._memory_kib("Rss")

    def own_kib(self):
        """Memory of its own: without its files' pages, whose share of each process changes with who else maps them."""
        return self._memory_kib("Pss_Anon") + self._memory_kib("Pss_Shmem")


def run_sockd(*args, env=None, timeout=PATIENCE_S, **options):
    """Run sockd to its end (-t, --print-config ...). @return subprocess.CompletedProcess with text"""
    return subprocess.run([str(SOCKD), *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, "SOCKD_PLUGINS": str(PLUGINS), **(env or {})}, timeout=timeout,
                          check=False, **options)


def build_plugin(folder, name, code=None, *flags, compiler=("CC", "cc"), language="c"):
    """Compile as a plugin's author would, with every warning an error; without code, tests/system/plugins/NAME.c.

    @return the path of FOLDER/NAME.so"""
    target, ours = pathlib.Path(folder) / f"{name}.so", SRC / "tests" / "system" / "plugins"
    command = shlex.split(os.environ.get(*compiler) or compiler[1])
    subprocess.run([*command, f"-x{language}", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                    f"-I{SRC}/include", f"-I{ours}", "-Wl,-z,defs", *flags, "-o", str(target), "-"],
                   input=(ours / f"{name}.c").read_text() if code is None else code, text=True, check=True)
    target.chmod(0o755)
    return target


def run_sockctl(*args, env=None, timeout=PATIENCE_S, **options):
    """Run sockctl to its end. @return subprocess.CompletedProcess with text"""
    return subprocess.run([str(SOCKCTL), *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, **(env or {})}, timeout=timeout, check=False, **options)


# ---------------------------------------------------------------- running the tests of a file


def collect():
    """The test functions of the script, in the order in which they stand there."""
    module = sys.modules["__main__"]
    tests = [f for name, f in vars(module).items() if name.startswith("test_") and callable(f)]
    chosen = sys.argv[1:]
    return [f for f in tests if not chosen or any(word in f.__name__ for word in chosen)]


def run_test(function):
    """@return the text of the failure, or None"""
    tmp = pathlib.Path(tempfile.mkdtemp(prefix="t"))
    problem, daemons = None, []
    try:
        function(**({"tmp": tmp} if "tmp" in inspect.signature(function).parameters else {}))
    except Skip:
        raise
    except Exception:  # whatever it is, it is this test's failure, and the next one still runs
        problem = traceback.format_exc()
        daemons = list(Daemon.running)
    finally:
        for daemon in list(Daemon.running):
            try:
                daemon.close()
            except AssertionError as e:
                problem = (problem or "") + str(e)
        shutil.rmtree(tmp, ignore_errors=True)
    for daemon in daemons:
        problem += f"log of {' '.join(daemon.command)}:\n" + "\n".join(daemon.lines[-30:])
    return problem


def main():
    """Run every test function and print TAP."""
    tests = collect()
    failed = False
    print(f"1..{len(tests)}")
    for number, function in enumerate(tests, 1):
        name = function.__name__.removeprefix("test_")
        try:
            problem = run_test(function)
        except Skip as e:
            print(f"ok {number} - {name} # SKIP {e}", flush=True)
            continue
        print(f"{'ok' if problem is None else 'not ok'} {number} - {name}", flush=True)
        if problem is not None:
            failed = True
            print("".join(f"# {line}\n" for line in problem.splitlines()), end="", flush=True)
    sys.exit(1 if failed else 0)
