"""Signals that move together, with a lag that is known."""

import numpy as np
import pytest


@pytest.fixture
def smooth():
    """Gives (n, k) smooth values at the wanted times: sums of sines up to 1 Hz, the same for the same seed."""

    def make(times_s, columns, seed):
        rng = np.random.default_rng(seed)
        frequency = rng.uniform(0.1, 1.0, (columns, 12))
        phase = rng.uniform(0, 2 * np.pi, (columns, 12))
        angle = 2 * np.pi * frequency * np.asarray(times_s)[:, np.newaxis, np.newaxis] + phase
        return np.sin(angle).sum(axis=2) * 0.2

    return make
