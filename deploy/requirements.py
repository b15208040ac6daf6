"""Libraries that parts of Saltwell need, one a line: `python3 requirements.py edge`. For the Dockerfile."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
needed = [*project["dependencies"], *(library for part in sys.argv[1:] for library in extras[part])]
sys.stdout.writelines(f"{library}\n" for library in needed if not library.startswith("saltwell["))
