"""Programs written in Go that tests and benches lean on, built once into the cache."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from saltwell.errors import StopError
from saltwell.local.jars import cache_folder

BUILD_S = 900  # the first time: 90 s on two cores, most of it compiling


def go_tool(package: str, version: str, *flags: str) -> Path:
    """A program by its Go package, version and flags of the build. Raises StopError without Go."""
    name = package.rsplit("/", 1)[1]
    tool = cache_folder() / f"{name}-{version}"
    if tool.exists():
        return tool
    if shutil.which("go") is None:
        raise StopError(f"no Go to build {name} with; install Go, or put {name} {version} at {tool}")
    tool.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tool.parent) as folder:
        command = ["go", "install", *flags, f"{package}@{version}"]
        subprocess.run(command, env=os.environ | {"GOBIN": folder}, check=True, timeout=BUILD_S)
        Path(folder, name).rename(tool)  # at once, so that two runs never see half a file
    return tool
