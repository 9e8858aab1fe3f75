#!/usr/bin/env python3
"""What `make format` would leave as it is. Other versions of clang-format disagree on details, so one is the judge."""

import re
import shutil
import subprocess

import lint

VERSION = "14"
TITLE = "clang-format would change nothing"


def tool():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        if shutil.which(name) is not None:
            said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
            if re.search(rf"version {VERSION}\.", said):
                return name
    return None


def main():
    name = tool()
    if name is None:
        lint.skip(TITLE, f"clang-format {VERSION} is not installed")
        lint.done()
    paths = [str(path) for path, _ in lint.c_sources()]
    ran = subprocess.run([name, "--dry-run", "-Werror", *paths], capture_output=True, text=True, check=False,
                         cwd=lint.SRC)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", ran.stderr, re.MULTILINE)))
    lint.report(TITLE, [f"{path.removeprefix(str(lint.SRC) + '/')}: run `make format'" for path in wrong]
                or ([ran.stderr] if ran.returncode else []))
    lint.done()


main()
