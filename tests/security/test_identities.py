"""The whole pipeline with every process under its own identity, and what happens to those who have none."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from saltwell.contracts.codec import Codec
from saltwell.local import children
from saltwell.local.finished import Watcher
from saltwell.local.stack import WORKERS

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "sort_parts.mcap"
DEADLINE_S = 150
SAID_BY_A_CLIENT = "saltwell: "


def saltwell(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "saltwell.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SALTWELL_LOG": "DEBUG", **env},
        timeout=DEADLINE_S,
    )


@pytest.fixture
def parts(secured, tmp_path) -> Iterator[dict[str, children.Child]]:
    """Each part as a process with the rights of its own role."""
    running = {}
    for name, command in WORKERS.items():
        store = ["--store", str(tmp_path / "store")] if name == "episodes" else []
        ready = ["--ready-file", str(tmp_path / f"{name}.ready")]
        running[name] = children.start(
            [sys.executable, "-m", "saltwell.cli.main", *command, "--instance", "t", *store, *ready],
            log=tmp_path / f"{name}.log",
            env=secured.with_password(f"part-{name}", name),
        )
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not all((tmp_path / f"{name}.ready").exists() for name in running):
            check(running, tmp_path)
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield running
    finally:
        for process in running.values():
            children.stop(process, grace_s=10)


def check(running: dict[str, children.Child], folder: Path) -> None:
    for name, process in running.items():
        assert process.poll() is None, (folder / f"{name}.log").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_take_becomes_an_episode_with_every_process_at_its_least_rights(secured, parts, tmp_path):
    played = saltwell(
        "replay", str(SAMPLE), "--robot", "g1-04", "--speed", "max", "--episode", "take-1",
        env=secured.with_certificate("g1-04", "edge"),
    )  # fmt: skip
    assert played.returncode == 0, played.stderr
    watcher = Watcher(secured.inside, Codec())
    try:
        seen = watcher.wait(["take-1"], deadline_s=DEADLINE_S, check=lambda: check(parts, tmp_path))
    finally:
        watcher.close()

    ledger = seen.finished["take-1"].streams
    assert ledger
    assert all(stream.sent == stream.written for stream in ledger)
    for name in parts:
        log = (tmp_path / f"{name}.log").read_text(encoding="utf-8")
        assert "uthorization" not in log, log


def test_a_wrong_password_is_refused_in_one_line_that_does_not_say_it(secured):
    env = secured.with_password("mistaken", password="guess-0815-guess")  # noqa: S106 - the wrong one
    done = saltwell("topics", "ls", env=env)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(SAID_BY_A_CLIENT)
    assert "uthentication failed" in last
    assert "guess-0815-guess" not in done.stderr + done.stdout


def test_a_client_without_a_certificate_is_refused(secured):
    env = {"SALTWELL_BOOTSTRAP": secured.mtls, "SALTWELL_KAFKA_SECURITY_PROTOCOL": "SSL"}
    done = saltwell("topics", "ls", env=env | {"SALTWELL_KAFKA_SSL_CA": str(secured.ca)})
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(SAID_BY_A_CLIENT)


def test_a_broker_that_our_authorities_do_not_vouch_for_is_not_spoken_to(secured):
    env = secured.with_password("careful", "doctor")
    del env["SALTWELL_KAFKA_SSL_CA"]  # those of the system know nothing of this broker
    done = saltwell("topics", "ls", env=env)
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr.strip().splitlines()[-1]


def test_the_role_of_a_person_at_the_command_line_sees_every_topic(secured):
    done = saltwell("topics", "ls", env=secured.with_password("person", "doctor"))
    assert done.returncode == 0, done.stderr
    assert "missing" not in done.stdout


def test_who_recovers_may_look_at_what_was_set_aside(secured):
    for command in ("dead", "late"):
        done = saltwell(command, "ls", env=secured.with_password("oncall", "recover"))
        assert done.returncode == 0, done.stderr


def test_no_log_of_a_working_process_holds_its_password(secured):
    done = saltwell("topics", "ls", env=secured.with_password("quiet", "doctor"))
    assert done.returncode == 0
    assert "horse-staple-4711" not in done.stdout + done.stderr


def test_a_role_is_granted_at_the_command_line(secured):
    env = secured.with_password("newcomer")  # known, and allowed nothing yet
    assert "missing" in saltwell("topics", "ls", env=env).stdout
    granted = saltwell("topics", "grant", "doctor", "--to", "User:newcomer", "--bootstrap", secured.inside, env={})
    assert granted.returncode == 0, granted.stderr
    assert "missing" not in saltwell("topics", "ls", env=env).stdout
