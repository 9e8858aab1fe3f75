#!/usr/bin/env python3
"""The documents that the build makes: well formed, and about every key."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

PAGES = [harness.SRC / "daemon/man/sockd.8", harness.BUILD / "daemon/man/sockd.yaml.5", harness.BUILD / "daemon/ctl/sockctl.1"]


def keys_of(schema, before=""):
    """The dotted names of all keys of a map."""
    for name, value in schema.get("properties", {}).items():
        if name in ("file", "credential"):  # forms of a value
            continue
        yield before + name
        for form in [value, *value.get("anyOf", [])]:
            yield from keys_of(form, f"{before}{name}.")


def test_the_pages_are_well_formed():
    harness.need_tool("mandoc")
    for page in PAGES:
        result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)], capture_output=True, text=True, check=False)
        assert result.returncode == 0 and result.stdout == "", result.stdout


def test_the_page_names_every_key():
    schema = json.loads((harness.BUILD / "conf" / "sockd.schema.json").read_text())
    page = (harness.BUILD / "daemon" / "man" / "sockd.yaml.5").read_text()
    top = schema["properties"]
    keys = {*top, *keys_of(top["daemon"]), *keys_of(top["defaults"])}

    assert len(keys) > 20, keys
    for key in keys:
        assert f".It Cm {key}\n" in page, f"sockd.yaml(5) does not tell of '{key}'"


def test_the_schema_is_what_sockd_prints():
    printed = harness.run_sockd("--print-schema").stdout

    assert (harness.BUILD / "conf" / "sockd.schema.json").read_text() == printed


def test_what_is_installed_is_what_the_tables_say():
    def printed(program, *words):
        return subprocess.run([harness.BUILD / "daemon" / program, *words], capture_output=True, text=True, check=False)

    manual = (harness.BUILD / "daemon/ctl/sockctl.1").read_text()
    assert printed("config/gen_man").stdout in (harness.BUILD / "daemon/man/sockd.yaml.5").read_text()
    assert printed("ctl/gen_docs", "verbs").stdout in manual and printed("ctl/gen_docs", "options").stdout in manual
    assert printed("ctl/gen_docs", "completion").stdout == (harness.BUILD / "daemon/ctl/sockctl").read_text()
    assert printed("ctl/gen_docs", "verb").returncode != 0 and printed("ctl/gen_docs").returncode != 0


if __name__ == "__main__":
    harness.main()
