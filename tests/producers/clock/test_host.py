from producers.clock.host import HostClock, from_chronyc, from_ptp4l, host_clock

CHRONYC = """\
Reference ID    : 1.2.3.4 (a.b.c)
Stratum         : 3
Ref time (UTC)  : Fri Feb  3 15:00:29 2012
System time     : 0.000001501 seconds slow of NTP time
Last offset     : -0.000001632 seconds
RMS offset      : 0.000002360 seconds
Frequency       : 331.898 ppm fast
Residual freq   : 0.004 ppm
Skew            : 0.154 ppm
Root delay      : 0.373169 seconds
Root dispersion : 0.024780 seconds
Update interval : 64.2 seconds
Leap status     : Normal
"""
UNSYNCHRONISED = """\
Reference ID    : 00000000 ()
Stratum         : 0
Ref time (UTC)  : Thu Jan 01 00:00:00 1970
System time     : 0.000000000 seconds fast of NTP time
Last offset     : +0.000000000 seconds
RMS offset      : 0.000000000 seconds
Frequency       : 0.000 ppm slow
Residual freq   : +0.000 ppm
Skew            : 0.000 ppm
Root delay      : 1.000000000 seconds
Root dispersion : 1.000000000 seconds
Update interval : 0.0 seconds
Leap status     : Not synchronised
"""
PTP4L = """\
ptp4l[352.359]: selected /dev/ptp0 as PTP clock
ptp4l[352.361]: port 1: INITIALIZING to LISTENING on INIT_COMPLETE
ptp4l[355.302]: master offset        -16 s2 freq  -37863 path delay     2828
ptp4l[356.302]: master offset         -5 s2 freq  -37856 path delay     2828
"""
PTP4L_SUMMARY = "ptp4l[615.253]: rms 36 max 45 freq -10098 +/- 0 delay 2739 +/- 0\n"


def test_chrony_tells_offset_bound_and_frequency() -> None:
    assert from_chronyc(CHRONYC) == HostClock(
        "chrony", synchronized=True, offset_ns=-1_501, bound_ns=211_364_500, frequency_ppm=331.898
    )


def test_a_clock_that_chrony_does_not_keep_is_not_synchronized() -> None:
    found = from_chronyc(UNSYNCHRONISED)
    assert found is not None
    assert not found.synchronized


def test_ptp4l_tells_its_last_offset() -> None:
    assert from_ptp4l(PTP4L) == HostClock("ptp4l", synchronized=True, offset_ns=-5, bound_ns=5, frequency_ppm=-37.856)
    assert from_ptp4l(PTP4L.replace("s2", "s0")) == HostClock("ptp4l", offset_ns=-5, bound_ns=5, frequency_ppm=-37.856)


def test_ptp4l_tells_its_largest_offset_where_it_sums_up() -> None:
    assert from_ptp4l(PTP4L + PTP4L_SUMMARY) == HostClock(
        "ptp4l", synchronized=True, bound_ns=45, frequency_ppm=-10.098
    )


def test_something_else_tells_nothing() -> None:
    for text in ("", "506 Cannot talk to daemon\n", "System time     : soon\n"):
        assert from_chronyc(text) is None
        assert from_ptp4l(text) is None


def test_the_log_of_ptp4l_goes_before_chrony_and_nothing_is_nobody(tmp_path) -> None:
    log = tmp_path / "ptp4l.log"
    log.write_text("x" * 100_000 + "\n" + PTP4L)
    assert host_clock(ptp4l_log=log, run=lambda _: CHRONYC).source == "ptp4l"
    assert host_clock(ptp4l_log=tmp_path / "none", run=lambda _: CHRONYC).source == "chrony"
    assert host_clock(run=lambda _: "") == HostClock()


def test_a_command_that_is_not_there_says_nothing(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host_clock() == HostClock()
    assert host_clock().as_source() == {
        "host_clock": "source=none synchronized=False offset_ns=0 bound_ns=0 frequency_ppm=0.0"
    }
