import json
from collections.abc import Callable
from typing import Any

import pytest

from saltwell.contracts import schemas
from saltwell.contracts.pins import renewed, unpinned
from saltwell.contracts.schemas import fingerprint_of, load_schema, pins, schema_text

CHANGED = "saltwell.EpisodeStopped"


def test_an_id_stands_for_the_schema_it_was_given_to() -> None:
    """A schema that was changed in place would let records of the old one be read as what they are not."""
    assert not unpinned(), "\n".join(map(str, unpinned()))


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[dict[str, Any]], Any]], None]:
    """Changes a schema in place, as an edit of its file would."""

    def edit(act: Callable[[dict[str, Any]], Any]) -> None:
        schema = json.loads(schema_text(CHANGED))
        act(schema)
        real = schema_text
        monkeypatch.setattr(schemas, "schema_text", lambda name: json.dumps(schema) if name == CHANGED else real(name))
        load_schema.cache_clear()
        monkeypatch.setattr(schemas, "load_schema", load_schema.__wrapped__)

    return edit


def test_a_schema_changed_in_place_is_refused_with_what_to_do(change) -> None:
    change(lambda schema: schema["fields"].append({"name": "by", "type": "string", "default": ""}))

    [one] = unpinned()
    assert str(one) == (
        f"{CHANGED} was changed in place, its id {pins()['schemas'][CHANGED]['id']} stands for another schema:"
        " run `make schemas`, which gives it a new id"
    )


def test_a_changed_schema_gets_an_id_that_no_other_ever_had(change) -> None:
    before = pins()
    change(lambda schema: schema["fields"].pop())

    after = renewed(before)

    assert after["schemas"][CHANGED] == {"id": before["next_id"], "fingerprint": fingerprint_of(CHANGED)}
    assert after["next_id"] == before["next_id"] + 1
    assert {n: p for n, p in after["schemas"].items() if n != CHANGED} == {
        n: p for n, p in before["schemas"].items() if n != CHANGED
    }
    assert renewed(after) == after


def test_words_about_a_schema_may_change(change) -> None:
    change(lambda schema: schema.update(doc="Something else."))

    assert not unpinned()


def test_a_type_without_an_id_is_named_and_one_that_is_gone_leaves_the_table() -> None:
    table = pins()
    old = {"id": 7_000, "fingerprint": "ab"}
    table["schemas"]["saltwell.Gone"] = old
    assert "saltwell.Gone" not in renewed(table)["schemas"]
    del table["schemas"][CHANGED]
    assert renewed(table)["schemas"][CHANGED]["id"] == table["next_id"]
