"""Faults of when and whether frames come, of every kind of stream."""

from dataclasses import replace
from typing import Any

import numpy as np

from bench.quality.faults import Rng, fault, span
from bench.quality.takes import Samples

_ALL = "color depth cloud joints pose"
_MS = 1_000_000


@fault("dropped frames", _ALL, "share", (0.01, 0.03, 0.10), "loss gap")
def dropped(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Single frames missing, drawn at random; at least one."""
    del begin
    gone = rng.choice(np.arange(12, len(samples) - 1), max(1, round(value * len(samples))), replace=False)
    return [sample for i, sample in enumerate(samples) if i not in set(gone.tolist())]


@fault("pause", _ALL, "ms", (150, 400, 1000), "loss gap coverage")
def pause(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """No frame for a while."""
    del rng
    gone = span(samples, begin, value / 1000)
    return [sample for i, sample in enumerate(samples) if i not in gone]


@fault("clock step", _ALL, "ms", (5, 50, 250), "clock_step")
def clock_step(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Stamps ahead by so much from one moment on."""
    del rng
    return _restamped(samples, begin, lambda sample, _: sample.captured_ns + int(value * _MS))


@fault("clock drift", _ALL, "ppm", (100, 1000, 10000), "clock_drift future_stamps")
def clock_drift(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """A clock that runs fast, all along."""
    del begin, rng
    first_ns = samples[0].captured_ns
    return _restamped(samples, 0, lambda s, _: s.captured_ns + int((s.captured_ns - first_ns) * value / 1e6))


@fault("clock offset", _ALL, "ms", (20, 50, 200), "content_sync body_sync early_state late_state old_stamps")
def clock_offset(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Stamps late by so much, all along."""
    del begin, rng
    return _restamped(samples, 0, lambda s, _: s.captured_ns - int(value * _MS))


@fault("jitter", "color depth cloud joints", "share of the period", (0.1, 0.3, 0.6), "jitter loss")
def jitter(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Stamps scattered about their times, in order."""
    del begin
    period_ns = (samples[-1].captured_ns - samples[0].captured_ns) / (len(samples) - 1)
    noise = np.clip(rng.normal(0, value, len(samples)), -0.45, 0.45) * period_ns
    return _restamped(samples, 0, lambda s, i: s.captured_ns + int(noise[i]))


def _restamped(samples: Samples, begin: float, stamp: Any) -> Samples:
    first = int(begin * len(samples))
    every: list[Any] = list(samples)
    return [replace(s, captured_ns=stamp(s, i)) if i >= first else s for i, s in enumerate(every)]


FAULTS = (dropped, pause, clock_step, clock_drift, clock_offset, jitter)
