#!/usr/bin/env python3
"""Words that say "unfinished", and paths of one person's machine. (Put together here, so as not to find themselves.)"""

import re

import lint

UNFINISHED = re.compile(r"\b(TO" "DO|FIX" "ME|XX" r"X|HA" r"CK|not implemen" r"ted|st" r"ubs?)\b")
ELSEWHERE = re.compile(r"/wo" r"rk/|\.\./sha" r"red|\.lib" r"rary\b|/ro" r"ot/|/ho" r"me/\w")


def everything():
    yield from lint.files()
    yield from lint.top_files()


def find(pattern):
    for path in everything():
        for number, line in enumerate(lint.read(path).splitlines(), 1):
            match = pattern.search(line)
            if match:
                yield f"{lint.name(path)}:{number}: '{match.group(0)}' in: {line.strip()[:90]}"


def stray_bytes():
    for path in everything():
        text = lint.read(path)
        if "\0" in text:
            continue  # a seed of the fuzzers: bytes of a wire
        if re.search(r"[ \t]+$", text, re.MULTILINE):
            yield f"{lint.name(path)}: blanks at the end of a line"
        if "\r" in text:
            yield f"{lint.name(path)}: carriage returns"
        if text and not text.endswith("\n"):
            yield f"{lint.name(path)}: no newline at its end"


lint.report("nothing is left unfinished", list(find(UNFINISHED)))
lint.report("no path of a single machine", list(find(ELSEWHERE)))
lint.report("no stray blanks", list(stray_bytes()))
lint.done()
