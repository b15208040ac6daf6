"""The edge's files: the unit is one that systemd takes, and an upgrade touches neither spool nor settings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EDGE = Path(__file__).resolve().parents[2] / "deploy" / "edge"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze: apt install systemd")
def test_systemd_takes_the_units(tmp_path):
    for unit in ("saltwell-spool.service", "saltwell-spool.timer"):
        text = (EDGE / unit).read_text(encoding="utf-8")
        # The program it starts is not on this machine.
        (tmp_path / unit).write_text(text.replace("/opt/saltwell/current/bin/saltwell", "/bin/true"), encoding="utf-8")
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            tmp_path / "saltwell-spool.service",
            tmp_path / "saltwell-spool.timer",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "saltwell" in line]
    assert done.returncode == 0, done.stderr
    assert ours == []


@pytest.fixture
def install(tmp_path):
    """Installs into a folder; `python3 -m venv` and pip are stood in for by something quick."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").write_text(
        f"#!{sys.executable}\n"
        "import sys, pathlib\n"
        "folder = pathlib.Path(sys.argv[3], 'bin'); folder.mkdir()\n"
        "for name in ('pip', 'saltwell'):\n"
        "    (folder / name).write_text('#!/bin/sh\\ncase \"$*\" in *broken*) exit 1;; esac\\n')\n"
        "    (folder / name).chmod(0o755)\n",
        encoding="utf-8",
    )
    (tools / "python3").chmod(0o755)

    def run(what: str) -> subprocess.CompletedProcess[bytes]:
        env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
        return subprocess.run([EDGE / "install.sh", what, tmp_path / "root"], env=env, capture_output=True, check=False)

    return run


def test_an_upgrade_changes_the_version_and_neither_spool_nor_settings(install, tmp_path):
    root = tmp_path / "root"
    assert install("saltwell[edge]==1").returncode == 0
    first = (root / "opt/saltwell/current").resolve()
    (root / "var/spool/saltwell/segment").write_bytes(b"not yet sent")
    (root / "etc/saltwell/edge.env").write_text("SALTWELL_BOOTSTRAP=ours:9094\n", encoding="utf-8")

    assert install("saltwell[edge]==2").returncode == 0

    assert (root / "opt/saltwell/current").resolve() != first
    assert first.is_dir()  # to go back to
    assert (root / "var/spool/saltwell/segment").read_bytes() == b"not yet sent"
    assert (root / "etc/saltwell/edge.env").read_text(encoding="utf-8") == "SALTWELL_BOOTSTRAP=ours:9094\n"


def test_an_upgrade_that_fails_leaves_the_version_in_use(install, tmp_path):
    assert install("saltwell[edge]==1").returncode == 0
    first = (tmp_path / "root/opt/saltwell/current").resolve()
    assert install("broken").returncode != 0
    assert (tmp_path / "root/opt/saltwell/current").resolve() == first


def test_the_unit_holds_no_secret_and_may_write_the_spool_only():
    unit = (EDGE / "saltwell-spool.service").read_text(encoding="utf-8")
    assert "ProtectSystem=strict\nReadWritePaths=/var/spool/saltwell\n" in unit
    assert "LoadCredential=kafka-password:" in unit
    assert "PASSWORD=" not in unit + (EDGE / "edge.env").read_text(encoding="utf-8")
