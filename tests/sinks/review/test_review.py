from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from saltwell.bus.reading import read_to_end
from saltwell.contracts.codec import Codec
from saltwell.contracts.results import Review
from saltwell.errors import StopError
from saltwell.local.broker import EmbeddedBroker
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.commit import commit
from sinks.episodes.finished import load_episode
from sinks.episodes.reviews import all_reviews, put_review, standing
from sinks.review import desk
from sinks.review.command import review
from sinks.review.desk import look_through
from sinks.review.queue import waiting
from sinks.review.word import MAX_NAME, MAX_TEXT, word_on
from sinks.store import Store, open_store

MakeTake = Callable[..., Any]
ROBOT = "robot-of-reviews"
WORD = Review("zigong", ROBOT, "take-b", "ana", 1_000, "accept", "", "")


@pytest.fixture
def filled(tmp_path: Path, make_take: MakeTake) -> Store:
    """Takes that stopped one after the other: c (review), b (review), a (reject), d (accept)."""
    store = open_store(str(tmp_path / "store"), create=True)
    for after, (name, decision) in enumerate((("c", "review"), ("b", "review"), ("a", "reject"), ("d", "accept"))):
        take = make_take(episode=f"take-{name}", robot=ROBOT)
        manifest = replace(take.manifest, decision=decision, stopped_ns=take.manifest.stopped_ns + after)
        commit(store, manifest, take.file)
    return store


def test_a_queue_without_a_terminal_is_told_in_one_line(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_terminal() -> str:
        raise OSError(6, "No such device or address", "/dev/tty")

    monkeypatch.setattr(desk.click, "getchar", no_terminal)
    with pytest.raises(StopError, match="takes keys from a terminal"):
        look_through(filled, ["take-a"], by="ana", draw=lambda _: "", say=lambda _: None)


def at_the_desk(store: Store, keys: str, *, say: Callable[[Review], None] | None = None, draw: Any = None) -> Result:
    """Look through the queue with these keys; words are kept in the store."""

    @click.command()
    def desk() -> None:
        names = waiting(store, ("review", "reject"))
        kept = say or (lambda word: put_review(store, word) and None)
        click.echo(
            look_through(store, names, by="ana", draw=draw or (lambda one: f"{one.manifest.episode}.png"), say=kept)
        )

    return CliRunner().invoke(desk, input=keys, catch_exceptions=False)


@pytest.mark.parametrize("source", ["manifests", "catalogue"])
def test_the_oldest_of_the_first_verdict_waits_first_and_what_was_decided_does_not(filled: Store, source: str) -> None:
    def catch_up() -> None:
        if source == "catalogue":
            catalogue = Catalogue(filled)
            catalogue.create()
            catalogue.add_missing(lambda: None)

    catch_up()
    assert waiting(filled, ("review",)) == ["take-c", "take-b"]
    assert waiting(filled, ("reject", "review")) == ["take-a", "take-c", "take-b"]
    put_review(filled, WORD)
    put_review(filled, replace(WORD, episode="take-c", decision="", task="stack"))
    catch_up()
    assert waiting(filled, ("review",)) == ["take-c"]


def test_a_key_and_a_reason_are_a_word_and_skipping_is_none(filled: Store) -> None:
    result = at_the_desk(filled, "s" + "xr\nthe box fell\n" + "a\n")

    words = standing(all_reviews(filled))
    assert {name: (w.decision, w.note, w.reviewer) for name, w in words.items()} == {
        "take-b": ("reject", "the box fell", "ana"),
        "take-a": ("accept", "", "ana"),
    }
    assert result.output.index("take-c.png") < result.output.index("take-b.png")
    assert "review: loss /head/color: 1 of 30 frames of /head/color are lost." in result.output
    assert result.output.endswith("2\n")
    assert "take-a" not in at_the_desk(filled, "q").output


def test_two_people_at_one_queue_do_not_judge_the_same(filled: Store) -> None:
    def say(word: Review) -> None:
        put_review(filled, word)
        put_review(filled, replace(WORD, reviewer="bo", reviewed_ns=word.reviewed_ns))

    assert "take-b" not in at_the_desk(filled, "a\nq", say=say).output


def test_that_there_is_no_picture_keeps_nobody_from_judging(filled: Store) -> None:
    def draw(_: Any) -> str:
        raise StopError("no paint")

    result = at_the_desk(filled, "a\nq", draw=draw)
    assert "no picture: no paint" in result.output
    assert len(list(all_reviews(filled))) == 1


def test_a_task_set_right_does_not_undo_a_decision_nor_the_other_way_round(filled: Store) -> None:
    one = load_episode(filled, "take-b")
    for at_ns, decision, task in ((1, "reject", ""), (2, None, "stack"), (3, "accept", "")):
        put_review(filled, word_on(filled, one, by="ana", at_ns=at_ns, decision=decision, task=task, why="so it is"))
        last = standing(all_reviews(filled))["take-b"]
        assert (last.decision, last.task) == {1: ("reject", ""), 2: ("reject", "stack"), 3: ("accept", "stack")}[at_ns]


@pytest.mark.parametrize(
    ("how", "refused"),
    [
        ({"decision": "reject"}, "a reject needs a reason"),
        ({}, "say --accept, --reject or --task"),
        ({"decision": "accept", "by": " "}, "say who you are"),
        ({"decision": "accept", "by": "a" * (MAX_NAME + 1)}, "has 101 letters"),
        ({"decision": "accept", "why": "w" * (MAX_TEXT + 1)}, "has 2001 letters"),
    ],
)
def test_a_word_without_sense_is_refused(filled: Store, how: dict[str, Any], refused: str) -> None:
    said = {"by": "ana", "decision": None, "task": "", "why": "", **how}
    with pytest.raises(StopError, match=refused):
        word_on(filled, load_episode(filled, "take-b"), at_ns=1, **said)


def test_a_word_is_in_the_log_and_in_the_store(filled: Store, broker: EmbeddedBroker) -> None:
    def run(*args: str) -> Result:
        where = ["--by", "ana", "--store", filled.url, "--bootstrap", broker.bootstrap]
        return CliRunner().invoke(review, [*args, *where], input="q")

    assert run("take-b", "--reject", "--why", "the box fell").exit_code == 0
    (kept,) = all_reviews(filled)
    assert (kept.episode, kept.decision, kept.reviewer, kept.note) == ("take-b", "reject", "ana", "the box fell")
    raws = read_to_end(broker.bootstrap, "reviews", range(4))
    told = [word for word in map(Codec().decode, (raw.value for raw in raws)) if word.robot == ROBOT]
    assert told == [kept]
    assert "1 to look at" in run().output
    assert "no finished episode take-z" in str(run("take-z", "--accept").exception)
    assert "go with the ID" in str(run("--accept").exception)
