import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saltwell.contracts.timeline import SeqRange
from sinks.episodes.manifest import BadManifest, Manifest

COLOR, JOINTS = "/head/color", "/joint_states"


@pytest.fixture
def manifest(make_take: Callable[..., Any]) -> Manifest:
    return make_take().manifest


def with_timing(manifest: Manifest, **changes: Any) -> Manifest:
    entry = manifest.streams[COLOR]
    assert entry.timing is not None
    changed = replace(entry, timing=replace(entry.timing, **changes))
    return replace(manifest, streams={**manifest.streams, COLOR: changed})


def with_ledger(manifest: Manifest, **changes: Any) -> Manifest:
    entry = manifest.streams[COLOR]
    return replace(
        manifest, streams={**manifest.streams, COLOR: replace(entry, ledger=replace(entry.ledger, **changes))}
    )


def test_what_is_written_is_what_is_read(manifest: Manifest) -> None:
    assert Manifest.parse(manifest.encode()) == manifest


def test_the_same_content_is_the_same_bytes(manifest: Manifest) -> None:
    shuffled = replace(manifest, streams=dict(reversed(manifest.streams.items())))

    assert shuffled.encode() == manifest.encode()
    assert Manifest.parse(manifest.encode()).encode() == manifest.encode()


def test_the_text_is_for_people_too(manifest: Manifest) -> None:
    text = replace(manifest, task="拧紧螺丝").encode()

    assert text.endswith(b"}\n")
    assert '  "task": "拧紧螺丝"'.encode() in text
    said = json.loads(text)
    assert list(said) == sorted(said)
    assert said["streams"][COLOR]["ledger"]["missing"] == [{"cause": "unreadable", "count": 1, "first": 7}]
    assert said["streams"][COLOR]["unreadable"][0]["reason"] == "JPEG of 900 bytes has no end"
    assert said["provenance"]["source"] == {"recording": "take_17.mcap"}
    assert said["provenance"]["schemas"].keys() == {"saltwell.AlignmentEnded", "saltwell.Verdict"}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_skew_that_nobody_measured_is_null(manifest: Manifest, value: float) -> None:
    text = with_timing(manifest, skew_p50_ns=value).encode()

    assert json.loads(text)["streams"][COLOR]["timing"]["skew_p50_ns"] is None
    timing = Manifest.parse(text).streams[COLOR].timing
    assert timing is not None
    assert math.isnan(timing.skew_p50_ns)


@pytest.mark.parametrize(
    "changes",
    [{"written": 30}, {"lost": 2}, {"sent": 29}, {"missing": ()}, {"missing": (SeqRange(7, 2, "log"),)}],
)
def test_an_episode_whose_ledger_does_not_balance_gets_no_manifest(manifest: Manifest, changes: dict[str, Any]) -> None:
    with pytest.raises(BadManifest, match=r"/head/color does not balance: .* sent"):
        with_ledger(manifest, **changes).encode()


def broken(text: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    said = json.loads(text)
    change(said)
    return json.dumps(said).encode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.update(format="saltwell-episode/2"), "saltwell-episode/1: update saltwell"),
        (lambda m: m.pop("steps"), "steps"),
        (lambda m: m.update(more=1), "more"),
        (lambda m: m.update(steps="30"), "manifest.steps is '30', not int"),
        (lambda m: m.update(steps=True), "manifest.steps is True, not int"),
        (lambda m: m.update(decision="maybe"), "accept, review, reject"),
        (lambda m: m.update(ending="exploded"), "stopped, aborted"),
        (lambda m: m.update(task="\ud800"), "not text"),
        (lambda m: m.update(objects=[]), "must have one object, episode.mcap"),
        (lambda m: m["objects"][0].update(name="../../etc/passwd"), "must have one object, episode.mcap"),
        (lambda m: m["streams"].update({COLOR: 3}), r"manifest.streams\['/head/color'\] is 3"),
        (lambda m: m["streams"][COLOR].update(kind="smell"), "one of color"),
        (lambda m: m["streams"][COLOR]["ledger"].update(sent=31), "does not balance"),
        (lambda m: m["streams"][JOINTS]["timing"].update(skew_p99_ns=10**400), "without measure"),
        (lambda m: m["reasons"][0].update(value="much"), r"manifest.reasons\[0\].value is 'much', not a number"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused_with_the_place(
    manifest: Manifest, change: Callable[[dict[str, Any]], Any], says: str
) -> None:
    with pytest.raises(BadManifest, match=says):
        Manifest.parse(broken(manifest.encode(), change))


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[]", b"null", b"NaN", b"[" * 100_000, b'{"format":"saltwell-episode/1"}', b" " * 2**25]
)
def test_bytes_that_are_no_manifest_are_refused(data: bytes) -> None:
    with pytest.raises(BadManifest):
        Manifest.parse(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_to_a_manifest_raises_anything_else(manifest: Manifest, data: st.DataObject) -> None:
    said = json.loads(manifest.encode())
    place: Any = said
    while True:
        steps = list(place) if isinstance(place, dict) else list(range(len(place)))
        step = data.draw(st.sampled_from(steps))
        if not (isinstance(place[step], dict | list) and place[step]) or data.draw(st.booleans()):
            break
        place = place[step]
    place[step] = data.draw(json_values)

    with suppress(BadManifest):
        Manifest.parse(json.dumps(said).encode())
