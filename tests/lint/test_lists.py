#!/usr/bin/env python3
"""Every file is named in the build, so that it is compiled, run and distributed, and in each list once."""

import collections
import re

import lint


def unlisted():
    makefiles = [lint.SRC / "Makefile.am", *lint.files(suffixes={".mk"})]
    words = set(re.findall(r"[\w./%-]+", "\n".join(lint.read(p) for p in makefiles if p.exists())))
    configured = lint.read(lint.SRC / "configure.ac")
    for path in lint.files():
        name = lint.name(path)
        stem = name.rsplit(".", 1)[0]
        named = name in words or stem in words or stem + ".la" in words
        if not named and path.suffix not in (".mk", ".in") and stem not in configured:
            yield f"{name}: in no module.mk"


def listed_twice():
    lists = collections.Counter()
    for path in lint.files(suffixes={".mk"}):
        joined = lint.read(path).replace("\\\n", " ")
        for variable, words in re.findall(r"^(\w+)\s*\+?=(.*)$", joined, re.MULTILINE):
            lists.update((variable, word) for word in words.split() if "/" in word)
    for (variable, word), times in lists.items():
        if times > 1:
            yield f"{variable}: {word} stands there {times} times"


lint.report("every file is named in a module.mk", list(unlisted()))
lint.report("no list names a file twice", list(listed_twice()))
lint.done()
