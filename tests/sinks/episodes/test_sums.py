import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from saltwell.contracts.results import StreamLedger
from saltwell.contracts.timeline import SeqRange, StreamEnded
from saltwell.errors import StopError
from saltwell.ledger import stream_ledger
from sinks.episodes.command import episodes
from sinks.episodes.commit import Marker, commit
from sinks.episodes.layout import folder_key, manifest_key, marker_key
from sinks.episodes.manifest import sha256_hex
from sinks.episodes.sums import Sums
from sinks.store import Store, open_store

MakeTake = Callable[..., Any]
COLOR, JOINTS = "/head/color", "/joint_states"
CAUSES = ("source", "spool", "undelivered")


@st.composite
def ledgers(draw: st.DrawFn) -> StreamLedger:
    last = draw(st.integers(0, 40))
    frames = st.sets(st.integers(0, last))
    missing = [SeqRange(seq, 1, draw(st.sampled_from(CAUSES))) for seq in draw(frames)]
    seen = draw(frames)
    ended = StreamEnded("site", "robot", "episode", COLOR, "color", 3, last, last + 1, missing)
    return stream_ledger(ended, seen=seen, unreadable=draw(frames) & seen, duplicates=draw(st.integers(0, 3)))


@given(st.lists(ledgers()))
def test_what_balances_one_by_one_balances_in_sum(found: list[StreamLedger]) -> None:
    sums = Sums()
    for ledger in found:
        sums.add(ledger)
    assert sums.sent == sums.written + sums.lost.total()
    assert sums.lost.total() == sum(ledger.lost for ledger in found)
    assert sums.dead <= sums.lost.total()


@pytest.fixture
def filled(store: Store, make_take: MakeTake) -> Store:
    """Two robots with two episodes each; one frame of each color stream is unreadable, of one four more are lost."""
    for number, robot in enumerate(("g1-04", "g1-05", "g1-04", "g1-05")):
        take = make_take(episode=f"e{number}", robot=robot)
        manifest = take.manifest
        if number == 3:
            color = manifest.streams[COLOR]
            missing = (*color.ledger.missing, SeqRange(30, 3, "source"), SeqRange(33, 1, "spool"))
            ledger = replace(color.ledger, sent=34, lost=5, missing=missing)
            manifest = replace(manifest, streams={**manifest.streams, COLOR: replace(color, ledger=ledger)})
        commit(store, manifest, take.file)
    return store


def run(store: Store, *args: str) -> Result:
    return CliRunner().invoke(episodes, ["ledger", *args, "--store", store.url])


def test_the_ledger_of_a_store_is_the_sum_of_its_episodes_by_kind_and_cause(filled: Store) -> None:
    result = run(filled)

    assert result.exit_code == 0
    head, color, joints, total, _, identity = result.output.splitlines()
    names = [name.strip() for name in head.split("  ") if name]
    assert names[:4] == ["KIND", "STREAMS", "SENT", "WRITTEN"]
    assert names[4:] == ["LOST SOURCE", "LOST SPOOL", "LOST UNREADABLE", "TWICE", "DEAD"]
    assert color.split() == ["color", "4", "124", "116", "3", "1", "4", "8", "4"]
    assert joints.split() == ["joints", "4", "120", "120", "0", "0", "0", "0", "0"]
    assert total.split() == ["all", "8", "244", "236", "3", "1", "4", "8", "4"]
    assert identity == "4 episodes: 244 sent = 236 written + 8 lost with a cause"


def test_the_ledger_as_json_can_be_asked_for_one_robot_and_from_a_time_on(filled: Store) -> None:
    one = json.loads(run(filled, "--json", "--robot", "g1-05").output)
    assert one["episodes"] == 2
    assert one["kinds"]["color"] == {
        "streams": 2,
        "sent": 64,
        "written": 58,
        "lost": {"source": 3, "spool": 1, "unreadable": 2},
        "duplicates": 4,
        "dead": 2,
    }
    assert one["total"]["sent"] == 124
    assert json.loads(run(filled, "--json", "--robot", "g1-0").output)["episodes"] == 0
    assert json.loads(run(filled, "--json", "--since", "2026-01-01").output)["episodes"] == 4
    assert json.loads(run(filled, "--json", "--since", "2026-01-01T00:00:02").output)["episodes"] == 0


def test_an_empty_store_has_lost_nothing(tmp_path: Path) -> None:
    result = run(open_store(str(tmp_path), create=True))

    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "0 episodes: 0 sent = 0 written + 0 lost with a cause"


def test_an_episode_whose_ledger_does_not_balance_is_named_and_the_exit_status_is_1(
    filled: Store, make_take: MakeTake
) -> None:
    """No sink writes such a manifest; a store may come from elsewhere."""
    text = make_take(episode="odd").manifest.encode().replace(b'"written": 29', b'"written": 28')
    key = manifest_key(folder_key("g1-04", "odd", sha256_hex(text)))
    filled.put(key, text)
    filled.put(marker_key("odd"), Marker(key, sha256_hex(text), 1).encode())

    result = run(filled)

    assert isinstance(result.exception, StopError)
    assert "1 of 5 episodes are damaged" in str(result.exception)
    assert "saltwell: episode odd: ledger of odd /head/color does not balance: 30 sent, 28 written" in result.stderr
    assert result.stdout.splitlines()[-1].startswith("4 episodes: 244 sent")
