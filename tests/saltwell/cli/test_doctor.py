import json
import sys
from functools import partial

import pytest
from click.testing import CliRunner

from saltwell.cli import doctor as module
from saltwell.cli.doctor import Check, checks, describe, doctor, examine
from saltwell.errors import StopError

NOBODY = "127.0.0.1:1"
NEEDED = {"python", "edge", "processors", "sinks", "local", "java", "kafka jars"}


def find(name, *, bootstrap=NOBODY, store=None):
    return examine(next(check for check in checks(bootstrap, store) if check.name == name))


def give(monkeypatch, *found):
    monkeypatch.setattr(module, "checks", lambda *_: list(found))


def fails():
    raise StopError("nobody home; ring the bell")


here = Check("door", True, lambda: "oak")
gone = Check("bell", True, fails)
extra = Check("mat", False, fails)


def test_what_the_demo_needs_is_needed_and_nothing_else():
    assert {check.name for check in checks(NOBODY, "/store") if check.needed} == NEEDED


def test_registry_and_store_are_looked_at_only_when_configured(monkeypatch):
    monkeypatch.delenv("SALTWELL_REGISTRY_URL", raising=False)
    assert not {"registry", "store"} & {check.name for check in checks(NOBODY, None)}
    monkeypatch.setenv("SALTWELL_REGISTRY_URL", f"http://{NOBODY}")
    assert {"registry", "store"} <= {check.name for check in checks(NOBODY, "/store")}


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_this_environment_has_what_the_demo_needs(name):
    assert find(name).state == "ok", find(name).detail


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    found = find("sinks")
    assert found.state == "missing"
    assert "obstore" in found.detail
    assert "saltwell[sinks]" in found.detail


def test_a_library_that_breaks_on_import_is_missing_and_does_not_break_the_doctor(monkeypatch, tmp_path):
    (tmp_path / "lz4.py").write_text("raise OSError('libusb-1.0.so.0: no such file\\nand more')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lz4", raising=False)
    found = find("edge")
    assert found.state == "missing"
    assert "libusb-1.0.so.0" in found.detail
    assert "\n" not in found.detail


def test_a_broker_that_does_not_answer_is_a_note():
    found = find("broker")
    assert (found.state, found.needed) == ("missing", False)
    assert NOBODY in found.detail
    assert describe(found).startswith("note")


def test_a_registry_that_does_not_answer_is_a_note(monkeypatch):
    monkeypatch.setenv("SALTWELL_REGISTRY_URL", f"http://{NOBODY}")
    found = find("registry")
    assert (found.state, found.needed) == ("missing", False)


def test_a_store_is_written_to_and_left_as_it_was(tmp_path):
    assert find("store", store=str(tmp_path)).state == "ok"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_store_that_is_not_there_says_so():
    assert "no store at" in find("store", store="/nowhere").detail


def test_all_there_is_success_even_with_a_note(monkeypatch):
    give(monkeypatch, here, extra)
    done = CliRunner().invoke(doctor, [], catch_exceptions=False)
    assert done.exit_code == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["ok", "door"], ["note", "mat"]]


def test_a_needed_thing_that_is_missing_is_a_failure_that_says_what_to_do(monkeypatch):
    give(monkeypatch, here, gone)
    done = CliRunner().invoke(doctor, [])
    assert isinstance(done.exception, StopError)
    assert "bell" in str(done.exception)
    assert "ring the bell" in done.stdout


@pytest.mark.parametrize(("last", "ready"), [(extra, True), (gone, False)])
def test_json_is_one_document_that_says_whether_the_demo_can_run(monkeypatch, last, ready):
    give(monkeypatch, here, last)
    answer = json.loads(CliRunner().invoke(doctor, ["--json"]).stdout)
    assert answer["ready"] is ready
    assert answer["checks"][0] == {"name": "door", "state": "ok", "needed": True, "detail": "oak"}


def test_a_program_that_hangs_or_fails_is_told_in_one_line(monkeypatch):
    failing = partial(module._run, [sys.executable, "-c", "print(1); raise SystemExit('no GL')"], what="it", remedy="x")
    assert examine(Check("failing", True, failing)).detail == "it fails: no GL; x"
    monkeypatch.setattr(module, "_PROBE_S", 0.2)
    endless = "import threading; threading.Event().wait()"
    slow = partial(module._run, [sys.executable, "-c", endless], what="it", remedy="x")
    assert "timed out" in examine(Check("slow", True, slow)).detail


def test_the_help_has_an_example():
    assert "saltwell doctor --store" in CliRunner().invoke(doctor, ["--help"]).stdout
