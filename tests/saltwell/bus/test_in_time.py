import threading

import pytest

from saltwell.bus.in_time import in_time


def test_a_call_that_comes_back_is_in_time() -> None:
    done = threading.Event()
    assert in_time(done.set, limit_s=10)
    assert done.is_set()


def test_a_call_that_does_not_come_back_is_given_up() -> None:
    never = threading.Event()
    assert not in_time(never.wait, limit_s=0.05)  # type: ignore[arg-type] # what it gives does not matter
    never.set()


def test_an_error_of_the_call_is_the_callers() -> None:
    def broken() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        in_time(broken, limit_s=10)
