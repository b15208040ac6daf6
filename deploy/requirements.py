"""Libraries that a part of Saltwell needs, one a line: `python3 requirements.py edge`. For the Dockerfile."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
sys.stdout.write("\n".join([*project["dependencies"], *project["optional-dependencies"][sys.argv[1]], ""]))
