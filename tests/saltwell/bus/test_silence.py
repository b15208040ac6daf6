from saltwell.bus.silence import Silence


def test_an_episode_is_silent_once_and_again_only_after_it_was_heard() -> None:
    silence = Silence(limit_ms=1_000)
    silence.heard("take", 5_000)
    assert silence.take_silent(6_000) == []
    assert silence.take_silent(6_001) == ["take"]
    assert silence.take_silent(9_000) == []
    silence.heard("take", 9_000)
    assert silence.take_silent(10_001) == ["take"]


def test_an_episode_that_is_over_is_not_silent() -> None:
    silence = Silence(limit_ms=1_000)
    silence.heard("over", 0)
    silence.heard("open", 0)
    silence.keep({"open"})
    assert silence.take_silent(5_000) == ["open"]
