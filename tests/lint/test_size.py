#!/usr/bin/env python3
"""Files and functions that a reader can hold in mind. (The length of lines is clang-format's to judge.)"""

import lint

FILE_LINES, FUNCTION_LINES = 500, 80


def long_files():
    for path, text in lint.c_sources():
        count = text.count("\n")
        if count > FILE_LINES:
            yield f"{lint.name(path)}: {count} lines (at most {FILE_LINES})"


def long_functions():
    """Our layout puts the braces of a function, and nothing else, alone in the first column."""
    for path, text in lint.c_sources():
        begin = None
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            if line == "{":
                begin = number
            elif line.startswith("}") and begin is not None:
                if number - begin - 1 > FUNCTION_LINES:
                    yield f"{lint.name(path)}:{begin}: {lines[begin - 2].strip()}: {number - begin - 1} lines"
                begin = None


lint.report(f"no file has more than {FILE_LINES} lines", list(long_files()))
lint.report(f"no function has more than {FUNCTION_LINES} lines", list(long_functions()))
lint.done()
