import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltwell.contracts.partition import murmur2, partition_of

JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "signed"), JAVA.items())
def test_murmur2_gives_what_javas_clients_give(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % 2**32


@pytest.mark.parametrize("robot", ["21", "foobar", "abc"])
def test_a_robots_partition_is_javas_default_partition_of_its_id(robot: str) -> None:
    assert partition_of(robot, 8) == (JAVA[robot.encode()] & 0x7FFFFFFF) % 8


@given(robot=st.text(), partitions=st.integers(1, 1000))
def test_every_robot_has_a_partition_and_keeps_it(robot: str, partitions: int) -> None:
    assert 0 <= partition_of(robot, partitions) < partitions
    assert partition_of(robot, partitions) == partition_of(robot, partitions)
