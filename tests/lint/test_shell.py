#!/usr/bin/env python3
"""Every shell script is clean under shellcheck, and every Python file compiles."""

import shutil
import subprocess

import lint


def is_shell(path):
    if path.suffix in (".c", ".h", ".py", ".yaml"):
        return False
    first = lint.read(path).split("\n", 1)[0]
    return first.startswith("#!") and first.rstrip().endswith(("/sh", "/bash", "env bash"))


def is_python(path):
    return path.suffix == ".py" or lint.read(path).startswith("#!/usr/bin/env python3")


def python_problems():
    for path in lint.files():
        if is_python(path):
            try:
                compile(lint.read(path), lint.name(path), "exec")
            except SyntaxError as e:
                yield f"{lint.name(path)}:{e.lineno}: {e.msg}"


def main():
    scripts = [str(p) for p in (*lint.files(), *lint.top_files()) if is_shell(p)]
    if shutil.which("shellcheck") is None:
        lint.skip("shell scripts are clean", "shellcheck is not installed")
    else:
        ran = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
        lint.report("shell scripts are clean", ran.stdout.splitlines() if ran.returncode else [])
    lint.report("Python files compile", list(python_problems()))
    lint.done()


main()
