#!/usr/bin/env python3
"""`sockd plugin`: info, check, test and new."""
# runner: timeout=600

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import installed
from harness import run_sockd

ECHO = str(harness.PLUGINS / "echo.so")
TEMPLATE = str(harness.PLUGINS / "template.so")
HEAD = "#include <sockd/plugin.h>\n#include <stdlib.h>\n"
SERVE = "static void serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)\n{\n\t%s\n}\n"
TAIL = ('SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "made", .version = "1", '
        '.serve = serve };\n')


def compile_plugin(tmp, source, *flags):
    (tmp / "made.c").write_text(source)
    subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", f"-I{harness.SRC}/include", *flags, "-o",
                    str(tmp / "made.so"), str(tmp / "made.c")], check=True)
    (tmp / "made.so").chmod(0o755)
    return str(tmp / "made.so")


def test_info_shows_description_and_settings():
    result = run_sockd("plugin", "info", TEMPLATE)

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("template 1.0: Greets and counts\n")
    assert "  ABI         1.1 (this sockd: 1.1)\n" in result.stdout
    assert "tcp: serve (fibers)" in result.stdout and "  entries     start stop serve close\n" in result.stdout
    assert "greeting           string, 1 to 200 bytes; default: hello\n" in result.stdout


def test_info_of_a_plugin_in_event_style_without_settings():
    result = run_sockd("plugin", "info", ECHO)

    assert result.returncode == 0, result.stderr
    assert "tcp: events; udp: events" in result.stdout and "settings: none\n" in result.stdout


def test_a_file_that_is_not_there_is_told(tmp):
    for name in ("./nothing.so", "nothing.so"):
        result = run_sockd("plugin", "info", name, cwd=tmp)

        assert result.returncode == 78 and "cannot open the plugin './nothing.so'" in result.stderr, result.stderr
    result = run_sockd("plugin", "info", "nothing")
    assert result.returncode == 78 and "there is no plugin 'nothing'" in result.stderr


def test_check_says_what_is_right_and_what_is_doubtful(tmp):
    made = compile_plugin(tmp, HEAD + "int spare;\n" + SERVE % "(void)c; (void)r; (void)w;" + TAIL)
    result = run_sockd("plugin", "check", made)

    assert result.returncode == 0, result.stderr
    assert "describes 'made' 1 for ABI 1.1" in result.stdout
    assert "note: it exports 'spare'" in result.stdout and "it exports 'serve'" not in result.stdout
    assert harness.SANITIZED or "exports sockd_plugin and nothing else" in run_sockd("plugin", "check", ECHO).stdout


def test_check_says_why_it_would_not_load(tmp):
    made = compile_plugin(tmp, HEAD + "void missing(void);\n" + SERVE % "(void)c; (void)r; (void)w; missing();" + TAIL)
    result = run_sockd("plugin", "check", made)
    assert result.returncode == 78 and "undefined symbol: missing" in result.stderr, result.stderr

    os.chmod(made, 0o777)
    result = run_sockd("plugin", "check", made)
    assert result.returncode == 78 and "has mode 0777" in result.stderr, result.stderr


def test_a_plugin_that_crashes_while_it_is_loaded_is_told(tmp):
    made = compile_plugin(tmp, HEAD + "__attribute__((constructor)) static void boom(void) { abort(); }\n" +
                          SERVE % "(void)c; (void)r; (void)w;" + TAIL)
    result = run_sockd("plugin", "info", made)

    assert result.returncode == 78 and "crashed while it was loaded: Aborted" in result.stderr, result.stderr


def test_a_plugin_that_exits_or_hangs_while_it_is_loaded_is_told(tmp):
    for what, said in (("exit(0)", "called exit() while it was loaded"),
                       ("for (;;) pause()", "was not loaded after 10 seconds")):
        made = compile_plugin(tmp, HEAD + "#include <unistd.h>\n__attribute__((constructor)) static void go(void) { " +
                              what + "; }\n" + SERVE % "(void)c; (void)r; (void)w;" + TAIL)
        result = run_sockd("plugin", "check", made)
        assert result.returncode == 78 and said in result.stderr, (what, result.returncode, result.stderr)


def test_a_plugin_that_exits_fails_its_test(tmp):
    for call, status in (("exit(0)", 70), ("exit(3)", 3), ("_exit(0)", 0)):
        made = compile_plugin(tmp, "#include <unistd.h>\n" + HEAD +
                              SERVE % f"(void)c; (void)w; char b[1]; sockd_read(r, b, 1); {call};" + TAIL)
        result = run_sockd("plugin", "test", made, "--transport", "tcp")

        assert result.returncode == 78 and "0 passed" in result.stdout, result.stdout
        assert f"the daemon ended by itself with status {status}: did the plugin call exit()?" in result.stdout, result.stdout
        assert ("event=exit_called" in result.stderr) == (call[0] != "_"), result.stderr


def test_a_script_is_played_over_every_transport(tmp):
    script = tmp / "s"
    script.write_text('send "hello"\nexpect "hello"\nsend 50000\nexpect 50000\nend\nexpect end\n'
                      'connect\nsend 1\nexpect 1\nreset\nconnect\ndrain\n')
    result = run_sockd("plugin", "test", ECHO, f"--script={script}")

    assert result.returncode == 0, result.stdout + result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines()[:-1]] == \
        [["ok", "tcp"], ["ok", "udp"], ["ok", "unix"], ["ok", "unixgram"]]
    assert result.stdout.endswith("4 passed, 0 failed\n")

    script.write_text('send ""\nexpect ""\nsend "x"\nexpect "x"\n')
    assert run_sockd("plugin", "test", ECHO, "--script", str(script), "--transport", "udp").returncode == 0


def test_a_step_that_fails_is_told_with_its_line(tmp):
    script = tmp / "s"
    script.write_text('send "a"\nexpect "b"\n')
    result = run_sockd("plugin", "test", ECHO, "--script", str(script), "--transport", "unix")
    assert result.returncode == 78
    assert f'{script}:2: at byte 0 of 1 expected b, got a' in result.stdout, result.stdout

    script.write_text('\nexpect 1\n')
    result = run_sockd("plugin", "test", ECHO, "--script", str(script), "--timeout", "50ms", "--transport", "tcp")
    assert f"{script}:2: 0 of 1 bytes came: nothing happened within 50 ms" in result.stdout, result.stdout

    script.write_text('expect end\n')
    result = run_sockd("plugin", "test", ECHO, "--script", str(script), "--timeout", "50ms", "--transport", "tcp")
    assert "the plugin did not end its side" in result.stdout, result.stdout


def test_a_plugin_that_crashes_fails_its_test(tmp):
    made = compile_plugin(tmp, HEAD + SERVE % "(void)c; (void)w; char b[1]; sockd_read(r, b, 1); abort();" + TAIL)
    result = run_sockd("plugin", "test", made, "--transport", "tcp")

    assert result.returncode == 78 and "FAILED  tcp" in result.stdout, result.stdout
    assert "the daemon " in result.stdout


def test_settings_reach_the_plugin(tmp):
    script = tmp / "s"
    script.write_text('expect "moin\\n"\n')
    result = run_sockd("plugin", "test", TEMPLATE, "--script", str(script), "--transport", "tcp", "--set",
                       "greeting=moin")
    assert result.returncode == 0, result.stdout


def test_wrong_words_are_refused(tmp):
    for words, said in ((["plugin"], "needs a verb"), (["plugin", "infi", "x"], "cannot 'infi'"),
                        (["plugin", "info"], "needs a PLUGIN"), (["plugin", "info", "a", "b"], "unexpected argument"),
                        (["plugin", "info", "--set", "a=b", "x"], "takes no options"),
                        (["plugin", "test", ECHO, "--sript", "x"], "unknown option --sript"),
                        (["plugin", "test", ECHO, "--script"], "needs a value"),
                        (["plugin", "test", ECHO, "--set", "x"], "KEY=VALUE"),
                        (["plugin", "test", ECHO, "--timeout", "5"], "--timeout"),
                        (["plugin", "test", ECHO, "--transport", "sctp"], "no transport 'sctp'"),
                        (["plugin", "new", "Ab"], "cannot be called 'Ab'"),
                        (["plugin", "new", "../x"], "cannot be called")):
        result = run_sockd(*words, cwd=tmp)
        assert result.returncode == 64 and said in result.stderr, (words, result.returncode, result.stderr)
    assert "usage: sockd plugin" in run_sockd("plugin", "--help").stdout
    (tmp / "s").write_text("hum\n")
    assert "s:1: 'hum' is no step" in run_sockd("plugin", "test", ECHO, "--script", str(tmp / "s")).stderr
    assert run_sockd("plugin", "test", ECHO, "--script", str(tmp / "none")).returncode == 66


def test_nothing_is_overwritten(tmp):
    (tmp / "mine").mkdir()
    result = run_sockd("plugin", "new", "mine", cwd=tmp)

    assert result.returncode == 73 and "there is a 'mine' here already" in result.stderr
    assert os.listdir(tmp) == ["mine"] and os.listdir(tmp / "mine") == []


def test_a_new_plugin_builds_and_passes_with_the_installed_files_only(tmp):
    sockd = installed.once()
    flags = " ".join(os.environ.get(f"SOCKD_{name}", "") for name in ("SANITIZE", "COVERAGE"))
    sockd.run("sockd plugin new my-own", tmp)
    folder = tmp / "my-own"

    said = sockd.run("make", folder, CFLAGS=installed.WARNINGS, LDFLAGS=flags)
    assert "warning" not in said and (folder / "my-own.so").exists(), said
    said = sockd.run("make check", folder, CFLAGS=installed.WARNINGS, LDFLAGS=flags)

    assert "ok: a client is greeted" in said and "24 passed, 0 failed" in said, said
    run = subprocess.Popen(["make", "run", f"LISTEN=unix://{tmp}/s"], cwd=folder, env=sockd.env, process_group=0,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with run:
        try:
            assert any(f"listening unix {tmp}/s -> my-own" in line for line in run.stdout)
            with harness.connect(harness.parse_url(f"unix://{tmp}/s")) as c:
                assert c.recv(16) == b"hello\n"
        finally:
            os.killpg(run.pid, signal.SIGINT)  # Ctrl-C
    sockd.run(f"make install DESTDIR={tmp}/elsewhere && make clean", folder)
    assert len(list((tmp / "elsewhere").rglob("sockd/plugins/my-own.so"))) == 1
    assert not (folder / "my-own.so").exists()
    assert "template" not in "".join(p.read_text() for p in folder.iterdir() if p.suffix in (".c", ".md", ".yaml"))


if __name__ == "__main__":
    harness.main()
