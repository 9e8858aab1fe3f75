#!/usr/bin/env python3
"""Run the static analysers over the daemon and the plugins: gcc -fanalyzer, cppcheck, clang-tidy. A finding fails.

`make analyze` runs them all; `make analyze ANALYZE_FLAGS="--tool gcc daemon/net"` some of them on some files.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import lint

BUILD = pathlib.Path(os.environ.get("SOCKD_BUILD") or os.getcwd())
LANGUAGE = ("-std=gnu17", "-D_GNU_SOURCE")
# A tool is a plain program; what it needs is named for who lacks it.
PACKAGES = {"gcc": "gcc", "cppcheck": "cppcheck", "clang-tidy": "clang-tidy"}


def flags(path):
    """As the build compiles it."""
    if lint.name(path).startswith("plugins/"):
        return [*LANGUAGE, f"-I{lint.SRC}/include"]
    given = shlex.split(os.environ.get("SOCKD_CPPFLAGS") or f"-I{lint.SRC}/daemon -I{lint.SRC}/include"
                        " -DSOCKD_SYSCONFDIR='\"/etc\"' -DSOCKD_PLUGINDIR='\"/usr/lib/sockd/plugins\"'")
    return [*LANGUAGE, *given]


def gcc(path):
    return ["gcc", *flags(path), "-O1", "-Wall", "-fanalyzer", "-Werror", "-c", "-o", "/dev/null", str(path)]


def clang_tidy(path):
    return ["clang-tidy", "--quiet", f"--config-file={lint.SRC}/.clang-tidy", str(path), "--", *flags(path)]


def cppcheck(path):
    given = [flag for flag in flags(path) if flag.startswith(("-I", "-D"))]
    return ["cppcheck", "--quiet", "--std=c11", "--language=c", "--enable=warning,performance,portability", "--inline-suppr",
            "--error-exitcode=1", "--suppress=missingInclude", "--suppress=missingIncludeSystem",
            "--suppress=unknownMacro", "--suppress=checkersReport", *given, str(path)]


TOOLS = {"gcc": gcc, "cppcheck": cppcheck, "clang-tidy": clang_tidy}


def run(job):
    tool, path = job
    ran = subprocess.run(TOOLS[tool](path), capture_output=True, text=True, check=False, cwd=BUILD)
    return tool, path, ran.returncode, (ran.stdout + ran.stderr).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", action="append", choices=sorted(TOOLS))
    parser.add_argument("-j", "--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("paths", nargs="*", help="only sources whose name begins so")
    args = parser.parse_args()
    tools = args.tool or list(TOOLS)
    missing = [PACKAGES[tool] for tool in tools if shutil.which(tool) is None]
    if missing:
        sys.exit(f"analyze: not installed: {' '.join(missing)}")
    sources = [p for p in lint.files("daemon", "plugins", suffixes={".c"})
               if not args.paths or lint.name(p).startswith(tuple(args.paths))]
    findings = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for tool, path, status, said in pool.map(run, [(tool, path) for tool in tools for path in sources]):
            if status != 0:
                findings += 1
                print(f"--- {tool}: {lint.name(path)}\n{said}\n", flush=True)
    print(f"analyze: {len(sources)} files, {', '.join(tools)}: " +
          (f"{findings} reports" if findings else "nothing found"))
    sys.exit(1 if findings else 0)


main()
