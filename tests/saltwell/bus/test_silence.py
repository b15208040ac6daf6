from saltwell.bus.silence import Silence


def test_silence_counts_from_when_there_was_nothing_more_to_read() -> None:
    silence = Silence(limit_ms=1_000)
    silence.heard("take")
    assert silence.take_silent(5_000_000) == [], "whatever the time was when it spoke"
    assert silence.take_silent(5_001_000) == []
    assert silence.take_silent(5_001_001) == ["take"]
    assert silence.take_silent(9_000_000) == [], "said once"


def test_a_word_begins_it_anew() -> None:
    silence = Silence(limit_ms=1_000)
    silence.heard("take")
    assert silence.take_silent(0) == []
    silence.heard("take")
    assert silence.take_silent(2_000) == []
    assert silence.take_silent(3_001) == ["take"]


def test_an_episode_that_is_over_is_not_silent() -> None:
    silence = Silence(limit_ms=1_000)
    silence.heard("over")
    silence.heard("open")
    assert silence.take_silent(0) == []
    silence.keep({"open"})
    assert silence.take_silent(5_000) == ["open"]
