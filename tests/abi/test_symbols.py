#!/usr/bin/env python3
"""What the built files export: a plugin its description and nothing else, the daemon nothing at all of its own."""

import subprocess

import harness

# What the C library's start files and sanitizers or gcov put into every program.
NOT_OURS = ("_IO_stdin_used", "__data_start", "data_start", "_start", "main", "__bss_start", "_edata", "_end", "_init",
            "_fini", "__libc_csu_init", "__libc_csu_fini", "environ", "__environ", "stdin", "stdout", "stderr",
            "optarg", "optind", "opterr", "optopt", "in6addr_any", "in6addr_loopback")
RUNTIMES = ("__asan", "__ubsan", "__tsan", "__sanitizer", "__lsan", "__interceptor", "__gcov", "__odr_asan", "_ZN11__sanitizer",
            "__interception", "__lsan", "__emutls", "__start___", "__stop___", "mangle_path")


def exported(path):
    """The symbols that a file defines for others."""
    harness.need_tool("nm")
    out = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", str(path)], capture_output=True, text=True,
                         check=True).stdout
    names = {line.split()[0].split("@")[0] for line in out.splitlines() if line}
    return {n for n in names if n not in NOT_OURS and not n.startswith(RUNTIMES)}


def test_a_plugin_exports_its_description_only():
    plugins = sorted(harness.PLUGINS.glob("*.so"))
    assert plugins, "no plugin was built"
    for plugin in plugins:
        assert exported(plugin) == {"sockd_plugin"}, f"{plugin.name} exports {sorted(exported(plugin))}"


def test_the_daemon_exports_nothing():
    if harness.SANITIZED:
        harness.skip("a sanitizer's runtime exports what it intercepts")
    assert exported(harness.SOCKD) == set()


def test_a_plugin_needs_libc_only():
    if harness.SANITIZED:
        harness.skip("a sanitizer adds its runtime")
    for plugin in sorted(harness.PLUGINS.glob("*.so")):
        out = subprocess.run(["readelf", "-d", str(plugin)], capture_output=True, text=True, check=True).stdout
        needed = {line.rsplit("[", 1)[1].rstrip("]") for line in out.splitlines() if "(NEEDED)" in line}
        assert needed <= {"libc.so.6"}, f"{plugin.name} needs {sorted(needed)}"


if __name__ == "__main__":
    harness.main()
