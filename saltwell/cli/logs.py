"""Log lines: for people, or, with SALTWELL_LOG_FORMAT=json, one JSON object a line for whoever collects them."""

import logging
import os
import sys

import structlog
from structlog.typing import EventDict

from saltwell.errors import StopError

_LEVEL = "SALTWELL_LOG"
_FORMAT = "SALTWELL_LOG_FORMAT"
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
NAMES = ("robot", "episode", "stream")
"""What a line may be about, given as `extra`."""


def json_lines() -> logging.Formatter:
    """Time, level, logger, message, and the robot, episode and stream that the line is about."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(NAMES),
            _only_known,
            structlog.processors.TimeStamper("iso", key="time"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _only_known(_: object, __: str, line: EventDict) -> EventDict:
    return {name: value for name, value in line.items() if value != ""}


def set_up_logging() -> None:
    """Log to standard error as the environment says; StopError when it says nonsense."""
    level, form = os.environ.get(_LEVEL, "INFO").upper(), os.environ.get(_FORMAT, "text")
    if level not in logging.getLevelNamesMapping():
        raise StopError(f"{_LEVEL} is {level!r}: use DEBUG, INFO, WARNING or ERROR")
    if form not in {"text", "json"}:
        raise StopError(f"{_FORMAT} is {form!r}: use text or json")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(json_lines() if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=level, handlers=[handler])
