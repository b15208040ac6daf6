"""Waiting for a store that is not well: some minutes, then the error goes on.

Beginning a session again costs reading every open episode from the log once more; waiting costs nothing.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from saltwell.errors import RetryError

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Before each further try; the store's client has tried some times by itself before each."""

_JITTER = 0.25  # of a pause, so that sinks that lost the same server do not come back at once


def patiently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call until it does not raise RetryError, at most seven times over about a minute; then that error."""
    for pause_s in PAUSES_S:
        try:
            return call(*args, **kwargs)
        except RetryError as error:
            log.warning("%s; next try in %.0f s", error, pause_s)
        time.sleep(pause_s * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - no secret
    return call(*args, **kwargs)
