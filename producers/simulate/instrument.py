"""What every instrument of the station gives: samples of topics."""

import zlib
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np

from producers.simulate.robot import Robot


class Sample(NamedTuple):
    """One message on its way out of a sensor."""

    topic: str
    ready_ns: int
    """When it leaves the sensor, in time since 1970; it arrives later."""
    data: bytes
    """The message, CDR."""


class Channel(NamedTuple):
    """A topic, and how long its messages are on their way: see timing.Link."""

    topic: str
    message_type: str
    latency_s: float
    jitter_s: float


class Instrument(Protocol):
    """A sensor, or what logs what the operator does."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What it publishes."""

    def measure(self, robot: Robot) -> Iterable[Sample]:
        """Return what was sampled in the millisecond that ends now; called after every step."""


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose, so that a sensor's noise doesn't depend on the sensors beside it."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])
