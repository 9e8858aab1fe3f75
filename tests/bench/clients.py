"""Clients that others wrote (and transfer.c): how each is run, and its report in our words.

Each function returns {rate, unit, operations, p50_us, p99_us, errors}; what a client does not tell is left out."""

import csv
import json
import re
import shutil
import statistics
import subprocess

import peers

PIN = ["taskset", "-c", str(peers.CLIENT_CORE)]
MB = 1e6


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            raise peers.Missing(f"{tool} is not installed")


def run(command):
    """@return what it printed; a client that fails ends the measure"""
    ran = subprocess.run([*PIN, *map(str, command)], capture_output=True, text=True, check=False, timeout=120)
    if ran.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {(ran.stderr or ran.stdout).strip()[-300:]}")
    return ran.stdout


def redis(url, command, pipeline, seconds):
    """redis-benchmark counts requests, not seconds, so we guess how many fill the time."""
    host, port = peers.address(url)[1]
    count = int(seconds * (60_000 if pipeline == 1 else 400_000))
    out = run(["redis-benchmark", "-h", host, "-p", port, "-t", command, "-P", pipeline, "-c", 50, "-n", count,
               "-r", 100_000, "-d", 64, "--csv"])
    if "rror" in out:
        raise RuntimeError(f"redis-benchmark: {out[:300]}")
    row = next(csv.DictReader(out.splitlines()))
    return {"rate": float(row["rps"]), "unit": "/s", "operations": count, "errors": 0,
            "p50_us": float(row["p50_latency_ms"]) * 1e3, "p99_us": float(row["p99_latency_ms"]) * 1e3}


UNITS_US = {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}


def wrk(url, path, connections, seconds, close=False):
    host, port = peers.address(url)[1]
    out = run(["wrk", "-t", 1, "-c", connections, "-d", f"{max(1, round(seconds))}s", "--latency",
               *(["-H", "Connection: close"] if close else []), f"http://{host}:{port}{path}"])
    done, taken_s = re.search(r"(\d+) requests in ([\d.]+)s", out).groups()
    result = {"rate": int(done) / float(taken_s), "unit": "/s", "operations": int(done), "errors": 0}
    for percent, key in (("50", "p50_us"), ("99", "p99_us")):
        number, unit = re.search(rf"^\s*{percent}%\s+([\d.]+)(us|ms|s|m)$", out, re.MULTILINE).groups()
        result[key] = float(number) * UNITS_US[unit]
    if sockets := re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", out):
        result["errors"] += sum(map(int, sockets.groups()))
    if others := re.search(r"Non-2xx or 3xx responses: (\d+)", out):
        result["errors"] += int(others[1])
    return result


def h2load(url, path, connections, streams, seconds, folder):
    """Its log has the time of each request, its report only their mean."""
    host, port = peers.address(url)[1]
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    count = int(seconds * 40_000)
    out = run(["h2load", "-n", count, "-c", connections, "-m", streams, f"--log-file={log}", f"http://{host}:{port}{path}"])
    failed, good = re.search(r"(\d+) failed", out)[1], re.search(r"(\d+) 2xx", out)[1]
    times = [int(line.split()[2]) for line in log.read_text().splitlines()]
    percent = statistics.quantiles(times, n=100)
    return {"rate": float(re.search(r"([\d.]+) req/s", out)[1]), "unit": "/s", "operations": count,
            "errors": int(failed) + count - int(good), "p50_us": percent[49], "p99_us": percent[98]}


def transfer(url, way, size, other_end):
    """@param other_end  the process that serves it, whose report is the other half of the measure"""
    ours = json.loads(run([peers.BENCH / "transfer", "run", url, way, size]))
    theirs = json.loads(other_end.stdout.readline())
    seconds = (max(ours["ended_ns"], theirs["ended_ns"]) - ours["begun_ns"]) / 1e9
    moved = (ours["received"] + theirs["received"]) / MB
    return {"rate": moved / seconds, "unit": "MB/s", "operations": moved, "errors": 0}
