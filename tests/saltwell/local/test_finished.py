from confluent_kafka import Producer

from saltwell.contracts.codec import Codec
from saltwell.contracts.results import EpisodeFinished
from saltwell.local.finished import Watcher


def test_who_waits_for_an_episode_passes_over_what_is_no_record(broker):
    codec = Codec()
    finished = EpisodeFinished("site", "watched-1", "past-the-poison", "sort", "accept", (), "", "", 0, 0, 0, (), ())
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for value in (b"not a record", b"", codec.encode(finished)):
        producer.produce("episodes.finished", value, key="watched-1", partition=0)
    assert producer.flush(30) == 0

    watcher = Watcher(broker.bootstrap, codec)
    try:
        seen = watcher.wait(["past-the-poison"], deadline_s=150, check=lambda: None)
    finally:
        watcher.close()

    assert seen.finished["past-the-poison"] == finished
