"""sockd as somebody has it who has only what `make install` wrote."""

import functools
import os
import pathlib
import subprocess
import tempfile

import harness

WARNINGS = "-O2 -Wall -Wextra -Wpedantic -Werror"


class Installed:
    """A prefix with all that is installed, and an environment in which it is found first."""

    def __init__(self):
        harness.need_tool("pkg-config", "make")
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="i"))
        done = subprocess.run(["make", "-C", str(harness.BUILD), "install", f"DESTDIR={self.root}"], text=True, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        self.sockd, = self.root.rglob("bin/sockd")
        pkgconfig, = self.root.rglob("pkgconfig")
        self.env = {**os.environ, "PATH": f"{self.sockd.parent}:{os.environ['PATH']}", "PKG_CONFIG_LIBDIR": str(pkgconfig),
                    "PKG_CONFIG_SYSROOT_DIR": str(self.root)}

    def run(self, command, folder, **env):
        """A line of shell, as a document gives it. Fails with what it said unless it succeeds. @return its output"""
        done = subprocess.run(["bash", "-c", command], cwd=folder, env={**self.env, **env}, text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout


@functools.cache
def once():
    """One for all tests of a file."""
    return Installed()


def code_block(document, section, language):
    """The first block of code in that language under a heading of a document."""
    text = (harness.SRC / document).read_text().split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return text.split(f"```{language}\n", 1)[1].split("```\n", 1)[0]


def command_line(document, section, begin):
    """The first indented line under a heading that begins so, without what follows `#`."""
    text = (harness.SRC / document).read_text().split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    for line in text.splitlines():
        command = line.strip().removeprefix("$ ")
        if line.startswith("    ") and command.startswith(begin):
            return command.split("  #")[0].strip()
    raise AssertionError(f"{document} has no line '{begin}...' under '{section}'")
