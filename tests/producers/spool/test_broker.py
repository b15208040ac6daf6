"""The spool and a real broker that goes and comes back."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import psutil
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from producers.replay.player import Part, play
from producers.spool.layout import segments
from producers.spool.sender import Sender
from producers.spool.spool import to_kafka
from saltwell.bus.clients import consumer_config
from saltwell.cli.topics import create_topics
from saltwell.contracts.codec import Codec
from saltwell.contracts.partition import partition_of
from saltwell.contracts.timeline import EpisodeAborted
from saltwell.contracts.topics import FRAME_TOPICS
from saltwell.local.broker import EmbeddedBroker
from saltwell.local.ports import free_ports

PARTITIONS = 4
MIB = 2**20


def in_the_log(bootstrap: str, robot: str) -> list:
    """Everything of a robot, topic by topic, in order."""
    consumer = Consumer(consumer_config(bootstrap, f"look-{robot}"))
    codec, records = Codec(), []
    for topic in (*FRAME_TOPICS, "timeline"):
        consumer.assign([TopicPartition(topic, partition_of(robot, PARTITIONS), OFFSET_BEGINNING)])
        while (message := consumer.poll(30)) is not None:
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                break
            if message.key() == robot.encode():
                records.append((topic, codec.decode(message.value())))
    consumer.close()
    return records


def expected(kit, recording: Path, robot: str, episodes: list[str]) -> dict[str, list]:
    """What the takes come to without a spool, by topic."""
    collected, codec = kit.Collected(), Codec()
    for episode in episodes:
        part = Part(robot, episode)
        play(recording, collected, [part], site="local", task=None, real_time=False, on_message=lambda: None)
    return by_topic([(topic, codec.decode(codec.encode(record))) for topic, record in collected.sent])


def by_topic(records) -> dict[str, list]:
    found = defaultdict(list)
    for topic, record in records:
        found[topic].append(record)
    return dict(found)


def saltwell(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "saltwell.cli.main", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_broker_gone_while_it_is_recorded_costs_nothing_and_no_memory(kit, recordings, tmp_path) -> None:
    recording, spool = recordings / "station_composite_6s.mcap", tmp_path / "spool"
    takes, (port,) = 8, free_ports(1)
    first = EmbeddedBroker(tmp_path / "kafka", port=port)
    with first:
        create_topics(first.bootstrap, partitions=PARTITIONS, replication=1)
        bootstrap = first.bootstrap
        files = [str(recording)] * takes
        where = ["--spool", str(spool), "--bootstrap", bootstrap]
        process = saltwell("replay", *files, "--robot", "robot", *where, "--speed", "max", "--json")
        kit.until(lambda: spool.exists() and size(spool) > 10_000_000, deadline_s=150)
        first.kill()
    resident = memory_by_spool_size(process.pid, spool, upto=takes * 40_000_000)
    early = max(rss for at, rss in resident if at < 160_000_000)
    late = max(rss for at, rss in resident if at > 160_000_000)
    assert late < early + 32 * MIB, resident
    with EmbeddedBroker(tmp_path / "kafka", port=port):
        out, err = process.communicate(timeout=150)
        assert process.returncode == 0, err
        records = in_the_log(bootstrap, "robot")
    episodes = [e["id"] for e in json.loads(out)["episodes"]]
    assert by_topic(kit.once(records)) == expected(kit, recording, "robot", episodes)
    assert segments(spool) == []
    assert "recording goes on" in err
    assert "answers again" in err


def size(spool: Path) -> int:
    return sum(path.stat().st_size for path in segments(spool))


def memory_by_spool_size(pid: int, spool: Path, *, upto: int) -> list[tuple[int, int]]:
    """Resident bytes of a process while its spool grows."""
    process, seen = psutil.Process(pid), []
    while not seen or seen[-1][0] < upto:
        at = size(spool)
        if not seen or at > seen[-1][0] + 5_000_000:
            seen.append((at, process.memory_info().rss))
        assert process.status() != psutil.STATUS_ZOMBIE, "the recorder ended"
    return seen


@pytest.mark.slow
def test_a_spool_cut_off_in_mid_episode_is_sent_by_replay_under_its_own_names(
    kit, broker, recordings, tmp_path
) -> None:
    recording, spool = recordings / "station_composite_6s.mcap", tmp_path / "spool"
    names = ["--robot", "carried", "--episode", "carried-take", "--site", "zigong"]
    killed = saltwell("replay", str(recording), *names, "--spool", str(spool), "--bootstrap", broker.bootstrap)
    kit.until(lambda: spool.exists() and size(spool) > 15_000_000, deadline_s=150)
    killed.kill()
    killed.communicate()
    done = saltwell("replay", str(spool), "--bootstrap", broker.bootstrap, "--json")
    out, err = done.communicate(timeout=150)
    assert done.returncode == 0, err
    [sent] = json.loads(out)["spools"]
    assert [(e["site"], e["robot"], e["episode"], e["state"]) for e in sent["episodes"]] == [
        ("zigong", "carried", "carried-take", "aborted")
    ]
    records = kit.once(in_the_log(broker.bootstrap, "carried"))
    kit.account_is_whole(records, ("zigong", "carried", "carried-take"))
    assert isinstance(records[-1][1], EpisodeAborted)
    assert segments(spool) == []


@pytest.mark.slow
def test_what_is_recorded_while_no_broker_is_there_is_sent_once_there_is_one(kit, broker, spooling, caplog) -> None:
    log = spooling.log()
    kit.Take(robot="refused").record(kit.outbox(log))
    log.close()
    sender = Sender(spooling.folder, log, to_kafka("127.0.0.1:9"), pause_s=0.05)
    sender.start()
    kit.until(lambda: "records wait in the spool" in caplog.text)
    sender.stop()
    assert segments(spooling.folder)
    sender = Sender(spooling.folder, log, to_kafka(broker.bootstrap))
    sender.start()
    kit.until(lambda: sender.wait(0.1))
    assert by_topic(in_the_log(broker.bootstrap, "refused")) == by_topic(kit.Take(robot="refused").records())
