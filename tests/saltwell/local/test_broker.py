"""The embedded broker starts, serves, and leaves nothing behind."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psutil
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from saltwell.errors import StopError
from saltwell.local.broker import EmbeddedBroker
from saltwell.local.ports import free_ports

DEADLINE_S = 150

PARENT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with it ignored
import sys, time
from pathlib import Path
from saltwell.local.broker import EmbeddedBroker
with EmbeddedBroker(Path(sys.argv[1])) as broker:
    print(broker.pid, flush=True)
    time.sleep(600)
"""


def wait_until(holds: Callable[[], bool], what: str) -> float:
    """Returns the seconds it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < DEADLINE_S, f"waited in vain: {what}"
        time.sleep(0.005)
    return time.monotonic() - began


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def new_topic(broker: EmbeddedBroker, *, partitions: int = 1) -> str:
    name = f"topic-{uuid4()}"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(DEADLINE_S)
    return name


def producer(broker: EmbeddedBroker, **settings: object) -> Producer:
    return Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 0, "log_level": 0, **settings})


def answers(broker: EmbeddedBroker) -> bool:
    return bool(AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=60).brokers)


def send(broker: EmbeddedBroker, topic: str, value: bytes) -> None:
    sender = producer(broker, **{"message.max.bytes": 8 * 1024**2})
    failures: list[object] = []
    sender.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert sender.flush(DEADLINE_S) == 0
    assert not failures


def first_record(broker: EmbeddedBroker, topic: str) -> Message:
    settings = {"bootstrap.servers": broker.bootstrap, "group.id": "reader", "isolation.level": "read_committed"}
    reader = Consumer({**settings, "log_level": 0})
    reader.assign([TopicPartition(topic, 0, 0)])
    try:
        message = reader.poll(DEADLINE_S)
        assert message is not None
        assert message.error() is None
        return message
    finally:
        reader.close()


def test_a_record_goes_in_and_comes_out(broker: EmbeddedBroker) -> None:
    topic = new_topic(broker)
    send(broker, topic, b"brine")
    assert first_record(broker, topic).value() == b"brine"


def test_the_largest_frame_fits_twice_in_a_batch(broker: EmbeddedBroker) -> None:
    topic = new_topic(broker)
    send(broker, topic, bytes(8 * 1024**2 - 1024))
    assert len(first_record(broker, topic).value() or b"") == 8 * 1024**2 - 1024


def test_a_topic_comes_into_being_only_when_created(broker: EmbeddedBroker) -> None:
    sender = producer(broker, **{"message.timeout.ms": 1000})
    errors: list[object] = []
    sender.produce("misspelt", b"x", on_delivery=lambda error, _: errors.append(error))
    sender.flush(DEADLINE_S)
    assert errors[0] is not None
    assert "misspelt" not in AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=60).topics


def test_readers_see_a_transaction_when_it_is_committed(broker: EmbeddedBroker) -> None:
    topic = new_topic(broker)
    sender = producer(broker, **{"transactional.id": f"id-{uuid4()}", "transaction.timeout.ms": 10_000})
    sender.init_transactions(DEADLINE_S)
    for value, end in ((b"aborted", sender.abort_transaction), (b"committed", sender.commit_transaction)):
        sender.begin_transaction()
        sender.produce(topic, value)
        sender.flush(DEADLINE_S)
        end(DEADLINE_S)
    assert first_record(broker, topic).value() == b"committed"


class Member:
    """A consumer that polls in a thread of its own, the only one that touches it."""

    def __init__(self, broker: EmbeddedBroker, group: str, topics: list[str]) -> None:
        self.shards: set[tuple[str, int]] = set()
        self._settings = {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            "group.protocol": "consumer",
            "group.remote.assignor": "range",
            "log_level": 0,
        }
        self._topics = topics
        self._polls = True
        self._thread = Thread(target=self._poll, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._polls = False
        self._thread.join(DEADLINE_S)

    def _poll(self) -> None:
        consumer = Consumer(self._settings)
        consumer.subscribe(self._topics)
        while self._polls:
            consumer.poll(0.02)
            self.shards = {(each.topic, each.partition) for each in consumer.assignment()}
        consumer.close()


@pytest.fixture
def two_topics(broker: EmbeddedBroker) -> list[str]:
    return [new_topic(broker, partitions=4) for _ in range(2)]


@pytest.fixture
def survivor(broker: EmbeddedBroker, two_topics: list[str]) -> Iterator[Member]:
    member = Member(broker, two_topics[0], two_topics)
    wait_until(lambda: len(member.shards) == 8, "the first member to get all")
    yield member
    member.close()


def test_two_members_get_the_same_partitions_of_both_topics_and_one_takes_over_at_once(
    broker: EmbeddedBroker, two_topics: list[str], survivor: Member
) -> None:
    leaving = Member(broker, two_topics[0], two_topics)
    wait_until(lambda: len(survivor.shards) == len(leaving.shards) == 4, "each to get half")
    partitions = [{each for topic, each in survivor.shards if topic == name} for name in two_topics]
    assert partitions[0] == partitions[1]
    began = time.monotonic()
    leaving.close()
    wait_until(lambda: len(survivor.shards) == 8, "the other to take over")
    assert time.monotonic() - began < 2.0


MEMBER = """
import sys, time
from confluent_kafka import Consumer
settings = {"group.protocol": "consumer", "group.remote.assignor": "range", "log_level": 0}
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2], **settings})
consumer.subscribe(sys.argv[2:], on_assign=lambda *_: print("assigned", flush=True))
while True:
    consumer.poll(0.02)
"""


def test_a_killed_members_partitions_are_taken_over_within_a_session(
    broker: EmbeddedBroker, two_topics: list[str], survivor: Member
) -> None:
    command = [sys.executable, "-c", MEMBER, broker.bootstrap, *two_topics]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"assigned\n"
        wait_until(lambda: len(survivor.shards) == 4, "the other to give up half")
        victim.kill()
    took_s = wait_until(lambda: len(survivor.shards) == 8, "the survivor to take over")
    assert took_s < 4.0  # 1.5 s on an idle machine


def test_a_second_broker_keeps_to_itself_and_leaves_neither_process_nor_port_nor_folder(broker: EmbeddedBroker) -> None:
    topic = new_topic(broker)
    with EmbeddedBroker() as other:
        pid, folder, port = other.pid, other.log.parent, int(other.bootstrap.split(":")[1])
        assert other.bootstrap != broker.bootstrap
        assert topic not in AdminClient({"bootstrap.servers": other.bootstrap}).list_topics(timeout=60).topics
    assert is_gone(pid)
    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    with pytest.raises(StopError, match="not running"):
        _ = other.bootstrap


def test_data_in_a_kept_folder_survives_a_stop_and_a_crash(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        topic = new_topic(broker)
        send(broker, topic, b"brine")
    with EmbeddedBroker(tmp_path) as broker:
        assert first_record(broker, topic).value() == b"brine"
        broker.kill()
    with EmbeddedBroker(tmp_path) as broker:
        assert first_record(broker, topic).value() == b"brine"


def test_a_folder_in_use_is_refused(broker: EmbeddedBroker) -> None:
    with pytest.raises(StopError, match="in use by another broker"):
        EmbeddedBroker(broker.log.parent).start()
    assert answers(broker)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StopError, match=f"port {port} is taken"):
            EmbeddedBroker(port=port).start()


def test_a_free_port_that_is_taken_meanwhile_costs_only_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        offers = [[other.getsockname()[1], free_ports(1)[0]], free_ports(2)]
        monkeypatch.setattr("saltwell.local.broker.free_ports", lambda _: offers.pop(0))
        with EmbeddedBroker() as broker:
            assert answers(broker)
    assert offers == []


def test_a_broker_that_does_not_start_says_why_and_where_to_read_more(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    properties = {"version": "1", "cluster.id": "another", "node.id": "7"}
    text = "".join(f"{name}={value}\n" for name, value in properties.items())
    (tmp_path / "data" / "meta.properties").write_text(text)
    with pytest.raises(StopError, match=rf"node id.* 7.*\(log: {tmp_path}/kafka\.log\)") as error:
        EmbeddedBroker(tmp_path).start()
    assert "\n" not in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_broker_outlives_its_process(how: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        jvm = int(parent.stdout.readline())
        assert psutil.Process(jvm).name() == "java"
        parent.send_signal(how)
    wait_until(lambda: is_gone(jvm), "the JVM to end")
