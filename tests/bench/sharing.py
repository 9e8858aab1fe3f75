"""How several loops share what connects: how evenly 1,000 connections lie."""

import contextlib
import os
import pathlib
import socket
import time

import peers
import report

SHARED = 1000
SHARING = ("raw", "raw-exclusive", "raw-nested", "raw-handover", "sockd")


def connect_all(clients, url, pause_s):
    """@param clients  an ExitStack, which they are closed with. Each is answered once, so that it was accepted."""
    where, opened = peers.address(url)[1], []
    for _ in range(SHARED):
        opened.append(clients.enter_context(socket.create_connection(where)))
        time.sleep(pause_s)
    for client in opened:
        client.send(b"x")
    for client in opened:
        client.recv(1)


def watched_of(pids):
    """@return {(pid, epoll descriptor): how many descriptors it watches}"""
    found = {}
    for pid in pids:
        for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if "eventpoll" in os.readlink(link):
                found[pid, link.name] = pathlib.Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().count("tfd:")
    return found


def evenness(bench):
    """What each loop watches is what the kernel tells of its epoll, so that no server need be asked."""
    if not bench.wanted("evenness"):
        return
    setting, rows = peers.Setting("tcp", bench.folder, loops=2), []
    for peer in bench.start(SHARING, setting):
        for words, pause_s in (("at once", 0), ("one by one", 0.0005)):
            before = watched_of(peer.pids())
            with contextlib.ExitStack() as clients:
                connect_all(clients, peer.url, pause_s)
                after = watched_of(peer.pids())
            shares = sorted(after[epoll] - before.get(epoll, 0) for epoll in after)[-2:]
            rows.append((peer.name, words, *shares, f"{shares[1] / max(1, sum(shares)):.2f}"))
            bench.say(str(rows[-1]))
            time.sleep(0.5)
        peer.stop()
    bench.sections.append(report.plain(f"{SHARED:,} connections on two loops",
                                      ("server", "which connect", "one", "other", "share of the busier"), rows))
