"""Two suites: proxies before servers of every kind, and the kv plugin beside redis-server.

The one that is measured has core 0, its client and what is behind it share core 1. A proxy is compared with the
better of the others, in each figure: 1.00 is that one."""

import os
import pathlib
import subprocess
import time

import clients
import peers
import report

GIB = 1 << 30
COALESCE_US = 30
STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


class Row(report.Row):
    """Ratios to the best of those that are not sockd's, in rate and in CPU each."""

    def ratio(self, peer, key="rate"):
        lower = key == "cost_us" or self.lower_is_better
        others = [m for p in self.peers() if not p.startswith("sockd") and (m := self.median(p, key))]
        own = self.median(peer, key)
        if not others or not own:
            return None
        return min(others) / own if lower else own / max(others)


# ---------------------------------------------------------------- what is behind


class Upstream:
    """A server on the client's core."""

    def __init__(self, folder, kind):
        self.url, self.kind = f"tcp://127.0.0.1:{peers.free_port('tcp')}", kind
        self.tls = kind == "tls"
        command, output = {"redis": self.redis, "transfer": self.transfer}.get(kind, self.nginx)(folder), None
        if kind == "transfer":
            output = subprocess.PIPE
        self.log = open(folder / f"{kind}.log", "ab")
        self.process = subprocess.Popen([*clients.PIN, *map(str, command)], stdin=subprocess.DEVNULL, text=True,
                                        stdout=output or self.log, stderr=self.log)
        until = time.monotonic() + peers.PATIENCE_S
        while not peers.answers(self.url):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise peers.Missing(f"{kind} did not start: {(folder / f'{kind}.log').read_text()[-200:].strip()}")
            time.sleep(0.02)

    def address(self):
        return "%s:%d" % peers.address(self.url)[1]

    def redis(self, _folder):
        clients.need("redis-server", "redis-benchmark")
        return redis_server(self.url)

    def transfer(self, _folder):
        return [peers.BENCH / "transfer", "serve", self.url]

    def nginx(self, folder):
        """Plain, by TLS, or HTTP/2 with prior knowledge."""
        clients.need("nginx")
        root = folder / "www"
        if not root.exists():
            root.mkdir(mode=0o755)
            (root / "1k").write_bytes(os.urandom(1024))
            (root / "1m").write_bytes(os.urandom(1 << 20))
            os.chmod(folder, 0o755)  # its workers may be somebody else
        how = {"tls": "ssl", "h2": "http2"}.get(self.kind, "")
        tls = f"ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;" if self.tls else ""
        file = folder / f"{self.kind}.conf"
        file.write_text(f"""user root; daemon off; worker_processes 1; pid {folder}/{self.kind}.pid;
error_log {folder}/{self.kind}.err;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000000; http2_max_concurrent_streams 256;
  server {{ listen {self.address()} {how} backlog=4096; {tls} root {root}; }}
}}
""")
        return ["nginx", "-p", folder, "-c", file]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def redis_server(url):
    return ["redis-server", "--port", peers.address(url)[1][1], "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--protected-mode", "no"]


# ---------------------------------------------------------------- the proxies


class Proxy(peers.Peer):
    """One on core 0 that hands on to this upstream."""

    def __init__(self, name, setting, upstream):
        self.name, self.setting, self.backend, self.process = name, setting, None, None
        self.url, self.upstream = setting.url(name), upstream
        self.command = PROXIES[name](self)

    def to(self):
        return self.upstream.address()


def haproxy(p, splice=False):
    clients.need("haproxy")
    s = p.setting
    tls = f"ssl verify required ca-file {s.certificate} verifyhost localhost sni str(localhost)" if p.upstream.tls else ""
    file = s.folder / f"{p.name}.cfg"
    file.write_text(f"""global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  {"option splice-request" if splice else ""}
  {"option splice-response" if splice else ""}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind {"%s:%d" % peers.address(p.url)[1]} backlog 4096
  default_backend b
backend b
  server a {p.to()} {tls}
""")
    return ["haproxy", "-f", str(file), "-db"]


def haproxy_splice(p):
    return haproxy(p, splice=True)


def nginx(p):
    clients.need("nginx")
    if not os.path.exists(STREAM_MODULE):
        raise peers.Missing("nginx has no stream module")
    s = p.setting
    tls = f"""proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate {s.certificate}; proxy_ssl_name localhost;
    proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.2 TLSv1.3;""" if p.upstream.tls else ""
    file = s.folder / "stream.conf"
    file.write_text(f"""load_module {STREAM_MODULE};
user root; daemon off; worker_processes 1; pid {s.folder}/stream.pid; error_log {s.folder}/stream.err;
events {{ worker_connections 19000; multi_accept on; }}
stream {{
  access_log off;
  server {{
    listen {"%s:%d" % peers.address(p.url)[1]} backlog=4096;
    {tls} tcp_nodelay on; proxy_pass {p.to()}; proxy_buffer_size 64k; proxy_half_close on;
  }}
}}
""")
    return ["nginx", "-p", str(s.folder), "-c", str(file)]


def sockd_file(peer, handler, more="", daemon="", listener=""):
    """The defaults, but without a log line a connection: the others write none either."""
    file = peer.setting.folder / f"{peer.name}.yaml"
    file.write_text(f"""version: 1
daemon: {{threads: 1, log: {{level: notice}}, admin: {{listen: off}}, plugin_path: ["{peers.PLUGINS}"]{daemon}}}
defaults: {{limits: {{connections: 9000}}{listener}}}
{more}listeners:
  bench:
    listen: "{peer.url}"
    backlog: 4096
    handler: {handler}
""")
    return [str(peers.SOCKD), "-c", str(file)]


def sockd(p, **options):
    tls = f"tls: {{up: {{server: {{ca: \"{p.setting.certificate}\"}}}}}}\n" if p.upstream.tls else ""
    more = ", tls: up, server_name: localhost" if p.upstream.tls else ""
    return sockd_file(p, f"{{plugin: proxy, config: {{upstream: [\"tcp://{p.to()}\"]{more}}}}}", tls, **options)


def sockd_coalesce(p):
    return sockd(p, daemon=f", coalesce_us: {COALESCE_US}")


def sockd_splice(p):
    return sockd(p, listener=", splice: true")


PROXIES = {"haproxy": haproxy, "haproxy-splice": haproxy_splice, "nginx": nginx, "sockd": sockd,
           "sockd-coalesce": sockd_coalesce, "sockd-splice": sockd_splice}

# ---------------------------------------------------------------- the cache


class Cache(peers.Peer):
    def __init__(self, name, setting):
        self.name, self.setting, self.backend, self.process = name, setting, None, None
        self.url = setting.url(name)
        self.command = {"redis-server": self.redis, "sockd": self.kv}[name]()

    def redis(self):
        clients.need("redis-server", "redis-benchmark")
        return [str(word) for word in redis_server(self.url)]

    def kv(self):
        return sockd_file(self, "kv")


# ---------------------------------------------------------------- suites


def measure(bench, row, started, run):
    """Each repetition begins with another one."""
    for repetition in range(bench.args.repetitions):
        at = repetition % max(1, len(started))
        for peer in started[at:] + started[:at]:
            before_s = cpu_s(peer)
            result = run(peer)
            result["cost_us"] = (cpu_s(peer) - before_s) * 1e6 / result["operations"]
            row.runs[peer.name].append(result)
            bench.lines.append({"peer": peer.name, "measure": row.title, **result})
    bench.say(report.table(row.title, [row]).split("\n", 2)[2])


def cpu_s(peer):
    """The kernel counts nanoseconds."""
    total = 0
    for pid in peer.pids():
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def start_each(bench, names, make):
    started = []
    for name in names:
        try:
            started.append(make(name).start())
        except peers.Missing as reason:
            bench.notes.append(f"{name} left out: {reason}")
    return started


def rows_of(bench, names, make, measures):
    """@param measures  {title: function of a peer}"""
    measures = {title: run for title, run in measures.items() if bench.wanted(title)}
    started, rows = start_each(bench, names, make) if measures else [], []
    try:
        for title, run in measures.items():
            rows.append(Row(title, [p.name for p in started]))
            measure(bench, rows[-1], started, run)
    finally:
        for peer in started:
            peer.stop()
    return rows


def wrk(path, connections, seconds, close=False):
    return lambda p: clients.wrk(p.url, path, connections, seconds, close)


def redis(command, pipeline, seconds):
    return lambda p: clients.redis(p.url, command, pipeline, seconds)


def transfer(way, gib):
    return lambda p: clients.transfer(p.url, way, int(gib * GIB), p.upstream.process)


def proxy_measures(bench):
    """@return {what is behind: {title: function of a proxy}}"""
    seconds, gib = bench.args.seconds, bench.args.gib
    web = {"1 KiB x50": wrk("/1k", 50, seconds), "1 MiB x8": wrk("/1m", 8, seconds),
           "connects x16": wrk("/1k", 16, seconds, close=True)}
    return {
        "redis": {f"redis {command} P{pipeline} x50": redis(command, pipeline, seconds)
                  for command, pipeline in (("set", 1), ("get", 1), ("get", 16))},
        "http": {f"http wrk {title}": run for title, run in web.items()},
        "h2": {"http h2load 1 KiB x10 m10": lambda p: clients.h2load(p.url, "/1k", 10, 10, seconds, bench.folder)},
        "tls": {f"tls wrk {title}": run for title, run in web.items()},
        "transfer": {f"transfer {way} {gib:g} GiB": transfer(way, gib) for way in ("both", "down", "up")},
    }


def proxy_suite(bench):
    rows, setting = [], peers.Setting("tcp", bench.folder)
    setting.make_certificate()
    tools = {"http": "wrk", "tls": "wrk", "h2": "h2load"}
    for kind, measures in proxy_measures(bench).items():
        if not any(map(bench.wanted, measures)):
            continue
        try:
            clients.need(*([tools[kind]] if kind in tools else []))
            upstream = Upstream(bench.folder, kind)
        except peers.Missing as reason:
            bench.notes.append(f"{kind} left out: {reason}")
            continue
        try:
            rows += rows_of(bench, bench.args.peers or PROXIES, lambda name, up=upstream: Proxy(name, setting, up),
                            measures)
        finally:
            upstream.stop()
    if rows:
        bench.sections.append(report.table("Proxies, one core each; ratios to the best of the others", rows))


def kv_suite(bench):
    setting, seconds = peers.Setting("tcp", bench.folder), bench.args.seconds
    rows = rows_of(bench, bench.args.peers or ("redis-server", "sockd"), lambda name: Cache(name, setting),
                   {f"{command} P{pipeline} x50": redis(command, pipeline, seconds)
                    for command in ("set", "get") for pipeline in (1, 16)})
    if rows:
        bench.sections.append(report.table("kv beside redis-server, one core each", rows))
