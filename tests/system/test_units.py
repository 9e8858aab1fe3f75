#!/usr/bin/env python3
"""The systemd units as they are installed: right by systemd's own judgement, and as closed as promised."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

HOST_UNITS = pathlib.Path("/usr/lib/systemd/system")


FIRST = []  # the tree that `make install` made, once for all tests


def installed(tmp):
    """A copy of what `make install` puts into an empty tree."""
    if not FIRST:
        folder = tempfile.TemporaryDirectory(prefix="installed")
        subprocess.run(["make", "-C", str(harness.BUILD), "install", f"DESTDIR={folder.name}"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        FIRST.append(folder)
    return pathlib.Path(shutil.copytree(FIRST[0].name, tmp / "root", symlinks=True))


def as_system(tmp):
    """The same, for systemd's tools: the units and their user where a system has them, beside the host's targets."""
    harness.need_tool("systemd-analyze")
    if not HOST_UNITS.is_dir():
        harness.skip("there are no units of systemd here")
    root = installed(tmp)
    units = root / "etc/systemd/system"
    shutil.copytree(HOST_UNITS, root / "usr/lib/systemd/system", symlinks=True, dirs_exist_ok=True)
    units.mkdir(parents=True, exist_ok=True)
    for pattern in ("lib/systemd/system/sockd*", "share/doc/sockd/examples/systemd/sockd-*.s*"):
        for file in root.glob(f"**/{pattern}"):
            shutil.copy(file, units)
    assert (units / "sockd.service").exists() and (units / "sockd-activated.service").exists()
    return root


def analyze(root, *args):
    return subprocess.run(["systemd-analyze", "--no-pager", f"--root={root}", *args], capture_output=True, text=True,
                          check=False)


def exposure(root, unit):
    done = analyze(root, "security", "--offline=true", unit)
    return float(re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout).group(1))


def test_systemd_has_nothing_to_say_about_the_units(tmp):
    root = as_system(tmp)

    for unit in ("sockd.service", "sockd@x.service", "sockd-activated.service", "sockd-activated-tcp.socket",
                 "sockd-activated-udp.socket", "sockd-activated-unix.socket", "sockd-activated-unixgram.socket"):
        done = analyze(root, "verify", "--man=no", unit)
        said = [line for line in (done.stdout + done.stderr).splitlines() if "sockd" in line]
        assert not said, said


def test_the_units_are_as_closed_as_promised(tmp):
    root = as_system(tmp)

    assert exposure(root, "sockd.service") <= 1.4
    assert exposure(root, "sockd@x.service") <= 1.4
    assert exposure(root, "sockd-activated.service") <= 0.5


def test_what_is_wrong_in_a_unit_would_be_told(tmp):
    root = as_system(tmp)
    unit = root / "etc/systemd/system/sockd.service"
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))

    assert "ProtectHouse" in analyze(root, "verify", "--man=no", "sockd.service").stderr


def test_paths_are_those_of_the_installation(tmp):
    root = installed(tmp)
    bindir = next(root.glob("**/bin/sockctl")).parent.relative_to(root)

    for unit in root.glob("**/sockd*.service"):
        text = unit.read_text()
        config = re.search(rf"^ExecStart=/{bindir}/sockd -c (/\S+)$", text, re.MULTILINE).group(1)
        assert f"\nExecReload=/{bindir}/sockctl --config {config} reload\n" in text, unit
        assert "@" not in re.sub(r"@(system-service|privileged|resources|chown|NAME)", "", text), unit
        assert "KillMode=mixed" in text and "RestartPreventExitStatus=64 66 77 78" in text
    assert len(list(root.glob("**/sockd*.service"))) == 3
    assert "u sockd " in next(root.glob("**/sysusers.d/sockd.conf")).read_text()
    assert "/run/sockd" in next(root.glob("**/tmpfiles.d/sockd.conf")).read_text()
    assert next(root.glob("**/bash-completion/completions/sockctl")).read_text().endswith("complete -F _sockctl sockctl\n")
    assert not list(root.glob("**/*.la"))


def test_uninstall_leaves_nothing_but_the_administrators_file(tmp):
    root = installed(tmp)
    config = next(root.glob("**/etc/sockd/sockd.yaml"))
    config.write_text("version: 1\n")

    subprocess.run(["make", "-C", str(harness.BUILD), "uninstall", f"DESTDIR={root}"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    assert [p for p in root.glob("**/*") if p.is_file()] == [config]


def test_the_socket_examples_name_what_their_configuration_wants(tmp):
    root = installed(tmp)
    folder = next(root.glob("**/examples/systemd"))
    names = {re.search(r"^FileDescriptorName=(\w+)$", s.read_text(), re.MULTILINE).group(1): s.name
             for s in folder.glob("*.socket")}
    service = (folder / "sockd-activated.service").read_text()
    text = (folder / "sockd-activated.yaml").read_text()

    assert set(names) == set(re.findall(r'"systemd:(\w+)"', text)) and len(names) == 4, names
    for key in ("Requires=", "After=", "Sockets="):
        assert set(re.search(f"^{key}(.*)$", service, re.MULTILINE).group(1).split()) == set(names.values())
    config = tmp / "test.yaml"
    config.write_text(text + f"daemon: {{plugin_path: [{harness.PLUGINS}]}}\n")
    done = harness.run_sockd("-t", "-c", config)
    assert done.returncode == 0, done


if __name__ == "__main__":
    harness.main()
