#!/usr/bin/env python3
"""Every header of the daemon compiles on its own."""

import concurrent.futures
import os
import shlex
import subprocess

import lint

FLAGS = ("-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-Idaemon", "-Iinclude", "-x", "c", "-")


def problem(path):
    relative = str(path.relative_to(lint.SRC / "daemon"))
    cc = shlex.split(os.environ.get("CC", "cc"))
    ran = subprocess.run([*cc, *FLAGS], input=f'#include "{relative}"\n#include "{relative}"\n', capture_output=True,
                         text=True, check=False, cwd=lint.SRC)
    return f"{lint.name(path)}: {ran.stderr.strip().splitlines()[:4]}" if ran.returncode else None


with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    found = list(pool.map(problem, lint.files("daemon", suffixes={".h"})))
lint.report("each header of the daemon stands alone", [p for p in found if p is not None])
lint.done()
