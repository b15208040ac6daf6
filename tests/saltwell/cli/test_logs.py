"""Log lines for machines tell robot, episode and stream apart from the text."""

import json
import logging

import pytest

from saltwell.bus.driver import Raw, ShardDriver
from saltwell.cli.logs import json_lines, set_up_logging
from saltwell.contracts.codec import Codec
from saltwell.errors import StopError


class Owner:
    """Owns the timeline and can't use anything."""

    name = "synchronize"
    topics = ("timeline",)

    def open(self, shard):
        return self

    def open_episodes(self):
        return ()


def test_a_line_about_a_record_names_its_robot(caplog):
    driver = ShardDriver(Owner(), 0, Codec())
    raw = Raw("timeline", 0, 7, b"g1-04", b"not a record")
    with caplog.at_level(logging.WARNING):
        assert list(driver.feed(raw))
    line = json.loads(json_lines().format(caplog.records[-1]))
    assert line["robot"] == "g1-04"
    assert line["level"] == "warning"
    assert "timeline 0@7" in line["message"]
    assert "stream" not in line


def test_a_line_stays_one_line_whatever_is_in_it():
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "two\nlines %s", ("ü",), None)
    assert "\n" not in json_lines().format(record)
    assert json.loads(json_lines().format(record))["message"] == "two\nlines ü"


@pytest.mark.parametrize(("variable", "value"), [("SALTWELL_LOG", "LOUD"), ("SALTWELL_LOG_FORMAT", "xml")])
def test_nonsense_is_refused(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(StopError, match=variable):
        set_up_logging()
