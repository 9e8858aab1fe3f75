"""The servers that are compared: how each is configured, started, found ready and ended."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

SRC = pathlib.Path(os.environ.get("SOCKD_SRC") or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("SOCKD_BUILD") or os.getcwd())
BENCH = BUILD / "tests" / "bench"

SERVER_CORE, CLIENT_CORE = 0, 1
PATIENCE_S = 20
STREAMS = ("tcp", "tls", "unix")
DATAGRAMS = ("udp", "unixgram")


class Missing(Exception):
    """This peer can't take part, and why."""


class Setting:
    """What all peers of a table share: the transport, the number of loops, where files go."""

    def __init__(self, transport, folder, loops=1, pinned=None):
        self.transport, self.folder, self.loops = transport, pathlib.Path(folder), loops
        self.pinned = loops == 1 if pinned is None else pinned
        self.certificate, self.key = self.folder / "certificate.pem", self.folder / "key.pem"

    def make_certificate(self):
        if self.certificate.exists():
            return
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                        "-keyout", str(self.key), "-out", str(self.certificate)], check=True, capture_output=True)
        (self.folder / "both.pem").write_text(self.certificate.read_text() + self.key.read_text())

    def url(self, name):
        if self.transport in ("unix", "unixgram"):
            path = self.folder / f"{name}.sock"
            path.unlink(missing_ok=True)  # not everybody replaces what an earlier server left
            return f"{self.transport}:{path}"
        return f"{self.transport}://127.0.0.1:{free_port(self.transport)}"


def free_port(transport):
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def address(url):
    """What socket.connect() takes."""
    rest = url.split(":", 1)[1]
    if url.startswith(("tcp", "tls", "udp")):
        host, port = rest.removeprefix("//").rsplit(":", 1)
        return socket.AF_INET, (host, int(port))
    return socket.AF_UNIX, rest.removeprefix("//")


def answers(url):
    """A stream server accepts, a datagram server echoes."""
    family, where = address(url)
    datagram = url.startswith(DATAGRAMS)
    with socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM) as s:
        s.settimeout(0.2)
        try:
            if url.startswith("unixgram"):
                s.bind("")
            s.connect(where)
            if datagram:
                s.send(b"x" * 16)
                return s.recv(100) == b"x" * 16
            return True
        except OSError:
            return False


def family_of(pid):
    """The process and all that it started."""
    pids = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                for child in f.read().split():
                    pids += family_of(int(child))
    except OSError:
        pass  # it ended meanwhile
    return pids


class Peer:
    """A running server, with the backend that a proxy needs. Its files have the name that it is called by."""

    def __init__(self, name, setting, called=None):
        self.name, self.setting, self.backend, self.process = called or name, setting, None, None
        self.url = setting.url(self.name)
        self.command = COMMANDS[name](self)

    def start(self):
        if self.backend is not None:
            self.backend.start()
        pin = ["taskset", "-c", str(SERVER_CORE)] if self.setting.pinned else []
        with open(self.setting.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(pin + self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE_S
        while not answers(self.url):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                text = (self.setting.folder / f"{self.name}.log").read_text(errors="replace").strip()
                raise Missing(f"did not start: {text.splitlines()[-1][:200] if text else 'no message'}")
            time.sleep(0.02)
        return self

    def pids(self):
        return family_of(self.process.pid)

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.backend is not None:
            self.backend.stop()


# ---------------------------------------------------------------- one function a peer: its command


def raw(peer):
    s = peer.setting
    if s.transport == "tls":
        return [str(BENCH / "raw_tls_echo"), peer.url, str(s.certificate), str(s.key), str(s.loops)]
    return [str(BENCH / "raw_echo"), peer.url, str(s.loops)]


def raw_sharing(way):
    """Raw epoll that shares what connects in another way; raw_echo.c says which."""
    def command(peer):
        if peer.setting.transport not in ("tcp", "unix") or peer.setting.loops < 2:
            raise Missing("only several loops share what connects")
        return [*raw(peer), way]
    return command


def sockd_url(url):
    scheme, rest = url.split(":", 1)
    return {"tls": "tcp"}.get(scheme, scheme) + ":" + ("//" + rest if not rest.startswith("//") else rest)


def sockd(peer, plugin="echo"):
    """The defaults, but for limits that would end the measure. Plugins and binary as in the build tree."""
    s = peer.setting
    lines = ["version: 1", f"daemon: {{threads: {s.loops}, admin: {{listen: off}}}}", "defaults: {limits: {connections: 19000}}",
             "listeners:", "  bench:", f"    listen: \"{sockd_url(peer.url)}\"",
             f"    handler: \"{PLUGINS}/{plugin}.so\""]
    if s.transport in STREAMS:
        lines.append("    backlog: 4096")
    if s.transport == "tls":
        lines.append(f"    tls: {{certificates: [{{cert: \"{s.certificate}\", key: \"{s.key}\"}}]}}")
    file = s.folder / f"{peer.name}.yaml"
    file.write_text("\n".join(lines) + "\n")
    checked = subprocess.run([str(SOCKD), "-t", "-c", str(file)], capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        raise Missing((checked.stderr or checked.stdout).strip().splitlines()[0])
    return [str(SOCKD), "-c", str(file)]


def sockd_serve(peer):
    return sockd(peer, "echo-serve")


def go(peer):
    program = peer.setting.folder / "go_echo"
    if shutil.which("go") is None:
        raise Missing("Go is not installed")
    if peer.setting.loops > 1 and peer.setting.pinned:
        raise Missing("Go can't be told")
    if not program.exists():
        built = subprocess.run(["go", "build", "-o", str(program), str(SRC / "tests/bench/go_echo.go")],
                               capture_output=True, text=True, check=False,
                               env={**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "off"})
        if built.returncode != 0:
            raise Missing(built.stderr.strip().splitlines()[-1])
    tls = [str(peer.setting.certificate), str(peer.setting.key)] if peer.setting.transport == "tls" else []
    return [str(program), peer.url, *tls]


def backend(peer):
    """A proxy's backend speaks plainly, on the same core."""
    if peer.setting.transport in DATAGRAMS:
        raise Missing("streams only")
    plain = Setting("unix" if peer.setting.transport == "unix" else "tcp", peer.setting.folder, peer.setting.loops)
    peer.backend = Peer("raw", plain, called=f"{peer.name}-backend")
    where = address(peer.backend.url)[1]
    return f"unix:{where}" if plain.transport == "unix" else "%s:%d" % where


def listen_address(peer, unix_prefix):
    where = address(peer.url)[1]
    return unix_prefix + where if peer.setting.transport == "unix" else "%s:%d" % where


def nginx(peer):
    module = "/usr/lib/nginx/modules/ngx_stream_module.so"
    if shutil.which("nginx") is None or not os.path.exists(module):
        raise Missing("nginx with its stream module is not installed")
    s, to = peer.setting, backend(peer)
    tls = f"ssl_protocols TLSv1.3; ssl_certificate {s.certificate}; ssl_certificate_key {s.key};" if s.transport == "tls" else ""
    nodelay = "" if s.transport == "unix" else "tcp_nodelay on;"
    file = s.folder / "nginx.conf"
    file.write_text(f"""load_module {module};
user root; daemon off; worker_processes {s.loops}; pid {s.folder}/nginx.pid; error_log {s.folder}/nginx.err;
events {{ worker_connections 19000; multi_accept on; }}
stream {{
  access_log off;
  server {{
    listen {listen_address(peer, "unix:")} {"ssl" if tls else ""} backlog=4096;
    {tls} {nodelay} proxy_pass {to}; proxy_buffer_size 64k;
  }}
}}
""")
    return ["nginx", "-p", str(s.folder), "-c", str(file)]


def haproxy(peer):
    if shutil.which("haproxy") is None:
        raise Missing("haproxy is not installed")
    s, to = peer.setting, backend(peer)
    tls = f"ssl crt {s.folder}/both.pem" if s.transport == "tls" else ""
    file = s.folder / "haproxy.cfg"
    file.write_text(f"""global
  nbthread {s.loops}
  maxconn 9000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind {listen_address(peer, "unix@")} backlog 4096 {tls}
  default_backend b
backend b
  server a {to.replace("unix:", "unix@")}
""")
    return ["haproxy", "-f", str(file), "-db"]


def raw_level(peer):
    """Raw epoll without EPOLLET."""
    if peer.setting.transport not in ("tcp", "unix") or peer.setting.loops > 1:
        raise Missing("streams on one loop only")
    return [*raw(peer), "exclusive", "level"]


def raw_senders(peer):
    """Raw epoll that asks who sent each datagram, as sockd does."""
    if peer.setting.transport != "unixgram":
        raise Missing("datagrams of unix sockets only")
    return [*raw(peer), "exclusive", "senders"]


COMMANDS = {"raw": raw, "raw-level": raw_level, "raw-senders": raw_senders, "sockd": sockd, "sockd-serve": sockd_serve, "go": go,
            "nginx": nginx, "haproxy": haproxy,
            **{f"raw-{way}": raw_sharing(way) for way in ("exclusive", "nested", "handover")}}
SOCKD, PLUGINS = BUILD / "sockd", BUILD / "stage-plugins"
