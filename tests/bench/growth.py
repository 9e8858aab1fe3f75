"""What sockd costs as it grows: memory of idle connections, round trips by connections, sizes and loops, start and
reload by listeners."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import peers
import report

IDLE = {"tcp": 15000, "unix": 15000, "tls": 5000}
CROWDS = (1, 4, 16, 64, 256, 1000, 4000, 15000)
SIZES = (16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576)
LISTENERS = (1, 10, 100, 1000)
OWN = ("raw", "sockd", "sockd-serve")
RIVALS = (*OWN, "go")


def number_of(result, key):
    return report.number(result.get(key))


def idle(bench):
    rows = []
    for transport, count in IDLE.items():
        if not bench.wanted(f"{transport} idle"):
            continue
        setting = peers.Setting(transport, bench.folder)
        for name in RIVALS:
            for peer in bench.start([name], setting):  # alone and fresh: what it did before would count
                result = bench.load(peer, f"idle --connections {count}")
                peer.stop()
                if result:
                    rows.append((transport, name, number_of(result, "rate"), number_of(result, "empty_kib"),
                                 f"{result['alive']} of {count}", f"{result['idle_cpu']:.4f}"))
                    bench.say(str(rows[-1]))
    if rows:
        bench.sections.append(report.plain("Memory", ("transport", "server", "bytes a connection", "empty server, KiB",
                                                     "answer afterwards", "CPU while idle"), rows))


def growth(bench, plot, heading, x_title, measures):
    """@param measures  {x: measure}. The CPU for each operation shows the cost, whatever limits the rate."""
    measures = {x: m for x, m in measures.items() if bench.wanted(f"growth {plot}")}
    if not measures:
        return
    started, series, cells = bench.start(OWN, peers.Setting("tcp", bench.folder)), {}, []
    try:
        for x, measure in measures.items():
            row = bench.turns(measure, started, measure, bench.args.seconds / 2)
            for name in row.peers():
                series.setdefault(name, []).append((x, row.median(name, "cost_us")))
            cells.append((f"{x:,}", *(f"{row.median(p.name, 'cost_us'):.2f}" if row.runs[p.name] else "-"
                                      for p in started)))
            bench.say(str(cells[-1]))
    finally:
        for peer in started:
            peer.stop()
    bench.plots[plot] = report.curves(heading, x_title, "microseconds of server CPU for each round trip", series)
    bench.sections.append(report.plain(f"{heading}, microseconds of server CPU for each",
                                      (x_title, *(p.name for p in started)), cells))


def growth_of_loops(bench):
    """Nothing is pinned: clients of as many threads share the cores with the loops."""
    if not bench.wanted("growth loops"):
        return
    series, cells = {}, []
    for loops in loop_counts():
        started = bench.start(OWN, peers.Setting("tcp", bench.folder, loops, pinned=False))
        try:
            row = bench.turns("", started, "roundtrips --connections 64")
        finally:
            for peer in started:
                peer.stop()
        for name in row.peers():
            series.setdefault(name, []).append((loops, row.median(name, "cost_us")))
        cells.append((loops, *(f"{report.number(row.median(name, 'rate'))} /s, {row.median(name, 'cost_us'):.2f} us"
                               for name in row.peers())))
        bench.say(str(cells[-1]))
    heading = "Round trips of 64 B as loops grow"
    bench.plots["loops"] = report.curves(heading, "loops", "microseconds of server CPU for each round trip", series)
    bench.sections.append(report.plain(f"{heading}: rate, and server CPU for each", ("loops", *series), cells))


def start_up(bench):
    if not bench.wanted("start"):
        return
    rows, starts, reloads = [], [], []
    for count in LISTENERS:
        lives = sorted(a_life(bench.folder, count) for _ in range(bench.args.repetitions))
        start_ms, reload_ms, kib = (sorted(values)[len(values) // 2] for values in zip(*lives))
        rows.append((f"{count:,}", f"{start_ms:.1f}", f"{reload_ms:.1f}", report.number(kib)))
        starts.append((count, start_ms))
        reloads.append((count, reload_ms))
        bench.say(str(rows[-1]))
    bench.sections.append(report.plain("Start and reload", ("listeners", "start to READY, ms",
                                                           "reload that adds one, ms", "memory, KiB"), rows))
    bench.plots["start"] = report.curves("Start and reload", "listeners", "milliseconds",
                                        {"start": starts, "reload": reloads})


def loop_counts():
    """1, 2, 4 and so on, and all cores."""
    cores = os.cpu_count()
    return sorted({cores, *(1 << n for n in range(cores.bit_length()) if 1 << n <= cores)})


def wait_ready(notify, process):
    """@return milliseconds until READY=1"""
    begun = time.monotonic()
    while process.poll() is None:
        try:
            if b"READY=1" in notify.recv(4096):
                return (time.monotonic() - begun) * 1e3
        except TimeoutError:
            pass
    sys.exit("bench: sockd ended instead of getting ready")


def memory_kib(pid):
    kib = 0
    for member in peers.family_of(pid):
        with open(f"/proc/{member}/smaps_rollup", encoding="ascii") as f:
            kib += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.MULTILINE).group(1))
    return kib


def a_life(folder, count):
    """@return milliseconds to READY=1 with so many listeners, then to the end of a reload that adds one; KiB between"""
    listener = f"{{listen: \"tcp://127.0.0.1:0\", handler: \"{peers.PLUGINS}/echo.so\"}}"
    file, name = folder / "start.yaml", folder / "notify"
    file.write_text("version: 1\ndaemon: {log: {level: warning}, admin: {listen: off}}\ndefaults: {limits: {connections: 10}}\nlisteners:\n"
                    + "".join(f"  l{i}: {listener}\n" for i in range(count)))
    name.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(name))
        notify.settimeout(1)
        process = subprocess.Popen([str(peers.SOCKD), "-c", str(file)], env={**os.environ, "NOTIFY_SOCKET": str(name)},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            start = wait_ready(notify, process)
            kib = memory_kib(process.pid)
            with file.open("a") as f:
                f.write(f"  another: {listener}\n")
            process.send_signal(signal.SIGHUP)
            return start, wait_ready(notify, process), kib
        finally:
            process.terminate()
            process.wait()


def suite(bench):
    idle(bench)
    growth(bench, "connections", "Round trips of 64 B as connections grow", "connections",
           {n: f"roundtrips --connections {n}" for n in CROWDS})
    growth(bench, "sizes", "Round trips at 16 connections as messages grow", "bytes",
           {n: f"roundtrips --size {n} --connections 16" for n in SIZES})
    growth_of_loops(bench)
    start_up(bench)
