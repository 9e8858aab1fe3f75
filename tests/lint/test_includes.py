#!/usr/bin/env python3
"""Includes point down: a folder of the daemon sees only the floors below it, and libraries have their rooms."""

import re

import lint

FLOORS = (("base",), ("config", "metric", "control"), ("plugin", "net", "guard"), ("engine",), ("supervisor", "worker", "ctl"),
          ("run",), ("main",))
FLOOR_OF = {folder: floor for floor, folders in enumerate(FLOORS) for folder in folders}
# Neighbours that may see each other all the same, one way: what the first hands over is made of the second.
NEIGHBOURS = {("control", "config")}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)

# Header prefix, the rooms where it may be included, and in how many files at most.
LIBRARIES = (
    ("event2/", ("engine/", "worker/", "run/", "supervisor/"), None),
    ("event.h", (), None),
    ("yaml.h", ("config/",), 1),
    ("jansson.h", ("control/", "worker/", "supervisor/", "ctl/", "run/"), None),
    ("openssl/", ("net/",), None),
)
# All that a plugin's headers may lean on.
LIBC = {"errno.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
        "sys/socket.h", "sys/types.h", "sys/uio.h", "netinet/in.h", "time.h", "inttypes.h"}


def daemon_files():
    for path in lint.files("daemon", suffixes={".c", ".h"}):
        yield path, str(path.relative_to(lint.SRC / "daemon")), lint.read(path)


def folder_of(relative):
    return relative.split("/")[0] if "/" in relative else relative.removesuffix(".c")


def directions():
    for path, relative, text in daemon_files():
        own = folder_of(relative)
        if own not in FLOOR_OF:
            yield f"{lint.name(path)}: '{own}' is on no floor"
            continue
        for mark, header in INCLUDE.findall(text):
            other = header.split("/")[0]
            if mark == "<" or other in (own, "sockd"):
                continue
            if header == "config.h":
                yield f"{lint.name(path)}: config.h comes from the command line"
            elif other not in FLOOR_OF:
                yield f"{lint.name(path)}: \"{header}\" is in no folder of the daemon"
            elif FLOOR_OF[other] > FLOOR_OF[own]:
                yield f"{lint.name(path)}: {own} reaches up to \"{header}\""
            elif FLOOR_OF[other] == FLOOR_OF[own] and (own, other) not in NEIGHBOURS:
                yield f"{lint.name(path)}: {own} and {other} are neighbours: \"{header}\""


def base_knows_nothing():
    for path, relative, text in daemon_files():
        if folder_of(relative) == "base":
            for mark, header in INCLUDE.findall(text):
                if header.startswith("sockd/"):
                    yield f"{lint.name(path)}: base knows no word of sockd: <{header}>"


def libraries():
    for prefix, rooms, limit in LIBRARIES:
        users = []
        for path, relative, text in daemon_files():
            if any(h == prefix or prefix.endswith("/") and h.startswith(prefix) for _, h in INCLUDE.findall(text)):
                users.append(path)
                if not relative.startswith(rooms or ("-",)):
                    yield f"{lint.name(path)}: {prefix} may not be included here"
        if limit is not None and len(users) > limit:
            yield f"{prefix} is included in {', '.join(map(lint.name, users))}: one file is enough"


def own_header_first():
    for path, relative, text in daemon_files():
        header = relative.removesuffix(".c") + ".h"
        if path.suffix == ".c" and path.with_suffix(".h").exists():
            first = INCLUDE.search(text)
            if first is None or first.group(2) != header:
                yield f"{lint.name(path)}: the first include is not \"{header}\""


def plugin_headers():
    for path in lint.files("include", suffixes={".h"}):
        for mark, header in INCLUDE.findall(lint.read(path)):
            ours = header.startswith("sockd/") or mark == '"' and (path.parent / header).exists()
            if header not in LIBC and not ours:
                yield f"{lint.name(path)}: <{header}> is neither libc's nor ours"


def plugins():
    for path in lint.files("plugins", suffixes={".c", ".h"}):
        for mark, header in INCLUDE.findall(lint.read(path)):
            if mark == '"' and not header.startswith("sockd/") and not (path.parent / header).exists():
                yield f"{lint.name(path)}: a plugin sees nothing of the daemon: \"{header}\""


lint.report("includes point down", list(directions()))
lint.report("base knows no word of sockd", list(base_knows_nothing()))
lint.report("libraries are included in their rooms only", list(libraries()))
lint.report("a file includes its own header first", list(own_header_first()))
lint.report("the plugin headers include only libc", list(plugin_headers()))
lint.report("plugins include nothing of the daemon", list(plugins()))
lint.done()
