#!/usr/bin/env python3
"""The plugin headers are clean in every dialect that a plugin may be written in, with every warning on."""

import os
import shlex
import subprocess
import tempfile

import harness

HEADERS = sorted((harness.SRC / "include" / "sockd").glob("*.h"))
WARNINGS = ("-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Wundef", "-Wwrite-strings", "-Werror")
C = ("-xc", "-Wstrict-prototypes", "-Wmissing-prototypes")
CXX = ("-xc++", "-Wold-style-cast")

PLUGIN = """
#include <sockd/plugin.h>

static void echo(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[4096];
	size_t n;

	(void)c;
	while (sockd_receive(r, buf, sizeof buf, &n) > 0 && sockd_write(w, buf, n) >= 0)
		;
}

%(begin)s
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "echo", .version = "1.0", .serve = echo };
%(end)s
"""


def compilers():
    yield "c", shlex.split(os.environ.get("CC") or "cc")
    yield "c++", shlex.split(os.environ.get("CXX") or "c++")


def compile_text(language, compiler, standard, text, *more):
    """@return what the compiler says"""
    flags = (f"-std={standard}", *(C if language == "c" else CXX), *WARNINGS, f"-I{harness.SRC}/include")
    ran = subprocess.run([*compiler, *flags, *more, "-"], input=text, capture_output=True, text=True, check=False)
    return ran.stderr


def standards(language):
    return ("c99", "c11", "gnu17") if language == "c" else ("c++17", "c++20")


def check_all(text, *more):
    for language, compiler in compilers():
        for standard in standards(language):
            marks = {"begin": "SOCKD_CXX_BEGIN", "end": "SOCKD_CXX_END"} if language == "c++" else {"begin": "", "end": ""}
            said = compile_text(language, compiler, standard, text % marks if "%(" in text else text, *more)
            assert said == "", f"{' '.join(compiler)} -std={standard}:\n{said}"


def test_each_header_compiles_alone():
    assert HEADERS
    for header in HEADERS:
        name = f"sockd/{header.name}"
        check_all(f"#include <{name}>\n#include <{name}>\n", "-fsyntax-only")


def test_the_plugin_of_the_manual_compiles_without_a_warning():
    check_all(PLUGIN, "-O2", "-fPIC", "-c", "-o", "/dev/null")


def test_a_plugin_links_with_nothing_of_the_daemon():
    for language, compiler in compilers():
        if language == "c":
            with tempfile.NamedTemporaryFile(suffix=".so") as so:
                said = compile_text(language, compiler, "gnu17", PLUGIN % {"begin": "", "end": ""}, "-shared", "-fPIC",
                                    "-Wl,-z,defs", "-o", so.name)
            assert said == "", said


if __name__ == "__main__":
    harness.main()
