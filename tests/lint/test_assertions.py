#!/usr/bin/env python3
"""Every test judges something."""

import ast
import re

import lint

C_TEST = re.compile(r"^START_TEST\((\w+)\)(.*?)^END_TEST", re.MULTILINE | re.DOTALL)
C_JUDGES = re.compile(r"\b(ck_assert\w*|ck_abort\w*|\w*expect\w*|check_\w+|assert_\w+)\s*\(")
# A function in our layout: its name in the first column, its braces alone on their lines.
C_HELPER = re.compile(r"^(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
C_MACRO = re.compile(r"^#define (\w+)\(((?:.*\\\n)*.*\n)", re.MULTILINE)
PYTHON_JUDGES = re.compile(r"(check|expect|assert)_\w+$")


def judging_helpers(text):
    """The functions and macros of a file that assert something, themselves or through another."""
    bodies, judging = dict(C_HELPER.findall(text) + C_MACRO.findall(text)), set()
    while more := {name for name, body in bodies.items()
                   if name not in judging and (C_JUDGES.search(body) or calls(body, judging))}:
        judging |= more
    return judging


def python_functions(path):
    """Name and syntax of each function of a script."""
    return {f.name: f for f in ast.parse(lint.read(path)).body if isinstance(f, ast.FunctionDef)}


def python_judges(function, helpers):
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            if name in helpers or PYTHON_JUDGES.match(name):
                return True
    return False


def silent_scripts():
    """The tests of the scripts, which may import each other's helpers."""
    scripts = {p: python_functions(p) for p in lint.files("tests/system", "tests/abi", "tests/support", suffixes={".py"})}
    every = {name: f for functions in scripts.values() for name, f in functions.items()}
    helpers = set()
    while more := {n for n, f in every.items() if n not in helpers and python_judges(f, helpers)}:
        helpers |= more
    for path, functions in scripts.items():
        for name, function in functions.items():
            if name.startswith("test_") and not python_judges(function, helpers):
                yield f"{lint.name(path)}: {name} asserts nothing"


def calls(body, names):
    return any(name in names for name in re.findall(r"\b(\w+)\s*\(", body))


def silent_tests():
    for path in lint.files("tests", suffixes={".c"}):
        text = lint.read(path)
        helpers = judging_helpers(text)
        for name, body in C_TEST.findall(text):
            if not C_JUDGES.search(body) and not calls(body, helpers):
                yield f"{lint.name(path)}: {name} asserts nothing"


def forgotten_tests():
    for path in lint.files("tests", suffixes={".c"}):
        text = lint.read(path)
        for name, _ in C_TEST.findall(text):
            if len(re.findall(rf"\b{name}\b", text)) < 2:
                yield f"{lint.name(path)}: {name} is never run"


lint.report("every test asserts something", [*silent_tests(), *silent_scripts()])
lint.report("every test is run", list(forgotten_tests()))
lint.done()
