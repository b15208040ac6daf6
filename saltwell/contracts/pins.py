"""Keeps ids true: an id stands for one schema for ever, or records in the log are read as what they are not.

`python -m saltwell.contracts.pins` gives a new id to every schema that is new or has changed (`make schemas` writes
docs/asyncapi.yaml as well).
"""

import json
import sys
from dataclasses import dataclass
from typing import Any

from saltwell.contracts.schemas import PINS_FILE, RECORD_TYPES, fingerprint_of, pins


@dataclass(frozen=True, slots=True)
class Unpinned:
    """A schema whose id stands for another one, or that has none."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} {self.why}: run `make schemas`, which gives it a new id"


def unpinned() -> list[Unpinned]:
    """Schemas that must get a new id before anything is written with them."""
    known = pins()["schemas"]
    found = []
    for name in RECORD_TYPES:
        if name not in known:
            found.append(Unpinned(name, "has no id"))
        elif known[name]["fingerprint"] != fingerprint_of(name):
            found.append(Unpinned(name, f"was changed in place, its id {known[name]['id']} stands for another schema"))
    return found


def renewed(table: dict[str, Any]) -> dict[str, Any]:
    """The table with new ids for what is not pinned, and without what is no record type any more."""
    next_id = table["next_id"]
    schemas = {name: table["schemas"].get(name) for name in RECORD_TYPES}
    for name in RECORD_TYPES:
        fingerprint = fingerprint_of(name)
        if (schemas[name] or {}).get("fingerprint") != fingerprint:
            schemas[name] = {"id": next_id, "fingerprint": fingerprint}
            next_id += 1
    return {"next_id": next_id, "schemas": schemas}


def main() -> None:
    """Write the table again."""
    for one in unpinned():
        sys.stdout.write(f"new id: {one.name} {one.why}\n")
    PINS_FILE.write_text(json.dumps(renewed(pins()), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
