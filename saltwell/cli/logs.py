"""Log lines: for people, or, with SALTWELL_LOG_FORMAT=json, one JSON object a line for whoever collects them."""

import json
import logging
import os
import sys
from datetime import UTC, datetime

from saltwell.errors import StopError

_LEVEL = "SALTWELL_LOG"
_FORMAT = "SALTWELL_LOG_FORMAT"
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
NAMES = ("robot", "episode", "stream")
"""What a line may be about, given as `extra`."""


class JsonLines(logging.Formatter):
    """Time, level, logger, message, and the robot, episode and stream that the line is about."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in NAMES if (value := getattr(record, name, ""))}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging() -> None:
    """Log to standard error as the environment says; StopError when it says nonsense."""
    level, form = os.environ.get(_LEVEL, "INFO").upper(), os.environ.get(_FORMAT, "text")
    if level not in logging.getLevelNamesMapping():
        raise StopError(f"{_LEVEL} is {level!r}: use DEBUG, INFO, WARNING or ERROR")
    if form not in {"text", "json"}:
        raise StopError(f"{_FORMAT} is {form!r}: use text or json")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=level, handlers=[handler])
