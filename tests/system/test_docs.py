#!/usr/bin/env python3
"""The documents that the build makes: well formed, and about every key."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from certs import Authority

PAGES = [harness.SRC / "daemon/man/sockd.8", harness.SRC / "daemon/man/sockd-plugin.7", harness.BUILD / "daemon/man/sockd.yaml.5",
         harness.BUILD / "daemon/ctl/sockctl.1", *sorted((harness.BUILD / "daemon/man").glob("*.3"))]

# Those that people deploy: template is a beginning for others.
SHIPPED = sorted(so.stem for so in harness.PLUGINS.glob("*.so") if so.stem != "template")
PAGE_OF = {name: harness.BUILD / f"plugins/{name}/sockd-{name}.7" for name in SHIPPED}
EXAMPLES = sorted((harness.SRC / "conf" / "examples").glob("*.yaml"))


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
    for page in [*PAGES, *PAGE_OF.values()]:
        result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)], capture_output=True, text=True, check=False)
        assert result.returncode == 0 and result.stdout == "", result.stdout


def test_no_word_of_a_sentence_is_taken_for_a_macro():
    harness.need_tool("mandoc")
    for page in [*PAGES, *PAGE_OF.values()]:  # 'In' would be the name of a header
        assert re.findall(r"<\w+>", shown(page)) == [], page


def test_the_page_names_every_key():
    schema = json.loads((harness.BUILD / "conf" / "sockd.schema.json").read_text())
    page = (harness.BUILD / "daemon" / "man" / "sockd.yaml.5").read_text()
    top = schema["properties"]
    keys = {*top, *keys_of(top["daemon"]), *keys_of(top["defaults"])}

    assert len(keys) > 20, keys
    for key in keys:
        assert f".It Cm {key}\n" in page, f"sockd.yaml(5) does not tell of '{key}'"


def settings_of(plugin):
    """What `sockd plugin info` says of its settings: a line each, and one of help under it."""
    said = harness.run_sockd("plugin", "info", harness.PLUGINS / f"{plugin}.so").stdout
    return re.findall(r"^  (\w+) +(.+)\n +(\S.*)$", said.partition("\nsettings:\n")[2], re.MULTILINE)


def shown(page):
    """What a person reads, without the blanks between words and lines."""
    text = subprocess.run(["mandoc", "-T", "utf8", str(page)], capture_output=True, text=True, check=True).stdout
    return joined(re.sub(".\b", "", text))


def joined(text):
    return "".join(text.split())


def test_the_page_of_a_plugin_has_its_settings_and_an_example():
    harness.need_tool("mandoc")
    assert len(SHIPPED) >= 12, SHIPPED
    count = 0
    for plugin, page in PAGE_OF.items():
        text = shown(page)
        for name, type_and_default, help_text in settings_of(plugin):
            kind, _, default = type_and_default.partition("; default: ")
            kind, _, required = kind.partition("; ")
            assert joined(f"{name} {help_text}. Takes: {kind}.") in text, (plugin, name, text)
            assert not default or joined(f"Default: ‘{default}’.") in text, (plugin, name, default, text)
            assert (required == "required") <= (joined("It has to be given.") in text), (plugin, name)
            count += 1
        assert joined(f"handler: {plugin}") in text or joined(f"plugin: {plugin}") in text, f"the example of {plugin} does not use it"
    assert count > 25, count


def expect_to_be_right(text, tmp, origin):
    here = f"plugin_path: ['{harness.PLUGINS}']"
    text = text.replace("\ndaemon:\n", f"\ndaemon:\n  {here}\n") if "\ndaemon:" in text else f"{text}\ndaemon: {{{here}}}\n"
    (tmp / "example.yaml").write_text(text)

    done = harness.run_sockd("-t", "-c", tmp / "example.yaml", env={"SOCKD_DEMO_DIR": str(tmp)})

    assert done.returncode == 0 and "error" not in done.stderr, (origin, done)


def test_the_files_that_readmes_show_are_right(tmp):
    Authority(tmp).issue("site")
    (tmp / "password").write_text("secret")
    count = 0
    for readme in [harness.SRC / "README.md", *sorted((harness.SRC / "plugins").rglob("README.md"))]:
        for text in re.findall("^```yaml\n(.*?)^```", readme.read_text(), re.MULTILINE | re.DOTALL):
            text = text.replace("/etc/sockd/cache.password", str(tmp / "password")).replace("plugin: hello", "plugin: template")
            text = re.sub(r"(unix(gram)?://)/run/\w+/", rf"\1{tmp}/", text)
            expect_to_be_right(text, tmp, readme)
            count += 1
    assert count >= len(SHIPPED), count


def test_the_examples_are_right_and_use_every_plugin(tmp):
    Authority(tmp).issue("tls")
    used = set()
    for example in EXAMPLES:
        text = example.read_text()
        expect_to_be_right(text, tmp, example)
        used |= set(re.findall(r"(?:handler|plugin): ([a-z-]+)", text))
    assert used >= set(SHIPPED), set(SHIPPED) - used


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


def test_the_page_of_a_plugin_is_what_it_says_of_itself():
    def printed(*words):
        return subprocess.run([harness.BUILD / "daemon/plugin/gen_page", *words], capture_output=True, text=True, check=False)

    examples, prose = harness.SRC / "conf/examples", harness.SRC / "plugins"
    for name, page in PAGE_OF.items():
        example = examples / f"{name}.yaml"
        words = harness.PLUGINS / f"{name}.so", prose / name / "manual.mdoc", example if example.exists() else examples / "small-services.yaml"
        assert printed(*words).stdout == page.read_text(), name
    assert printed().returncode != 0
    missing = printed(words[0], "/nonexistent/manual.mdoc", words[2])
    assert missing.returncode != 0 and missing.stderr.startswith("/nonexistent/manual.mdoc: "), missing.stderr
    unknown = printed("/nonexistent/x.so", *words[1:])
    assert unknown.returncode != 0 and "/nonexistent/x.so" in unknown.stderr, unknown.stderr


if __name__ == "__main__":
    harness.main()
