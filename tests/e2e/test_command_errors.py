"""What goes wrong for users is said in one line that tells what to do."""

import pytest

NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay", "/nowhere.mcap", "--robot", "r"), "no such file"),
        (("demo", "--recording", "/nowhere.mcap"), "no such file"),
        (("topics", "ls", "--bootstrap", NOBODY), "no Kafka broker answers"),
        (("process", "judge", "--bootstrap", NOBODY), "no Kafka broker answers"),
        (("episodes", "ls", "--store", "/nowhere"), "no store at"),
        (("sink", "episodes", "--store", "ftp://x", "--bootstrap", NOBODY), "is no store"),
    ],
)
def test_an_error_is_one_line_without_a_traceback(arguments, said, run):
    done = run(*arguments)

    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.startswith("saltwell: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_file_that_is_no_recording_is_named(tmp_path, run):
    path = tmp_path / "take.mcap"
    path.write_bytes(b"not an mcap file")

    done = run("replay", str(path), "--robot", "r")

    assert done.returncode == 1
    assert "not a readable recording" in done.stderr


def test_missing_topics_are_named_with_the_command_that_makes_them(run):
    from saltwell.local.broker import EmbeddedBroker

    with EmbeddedBroker() as empty:
        done = run("process", "judge", "--bootstrap", empty.bootstrap)

    assert done.returncode == 1
    assert "saltwell topics create" in done.stderr


@pytest.mark.parametrize(
    "command", ["demo", "up", "replay", "process", "sink", "episodes", "topics", "doctor", "simulate"]
)
def test_every_command_has_help_with_an_example(command, run):
    done = run(command, "--help")

    assert done.returncode == 0
    assert "Example" in done.stdout
