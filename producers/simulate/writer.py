"""Recordings in the form of the real stations: MCAP, profile ros2, CDR, chunks of zstd, log_time = arrival."""

import heapq
from collections import Counter
from collections.abc import Mapping
from typing import IO

from mcap.writer import CompressionType, Writer

from saltwell.messages.definitions import DEFINITIONS

CHUNK_BYTES = 8 * 1024 * 1024
_FOREVER = "sec: 9223372036\n    nsec: 854775807"
QOS = f"""\
- history: 1
  depth: 10
  reliability: 1
  durability: 2
  deadline:
    {_FOREVER}
  lifespan:
    {_FOREVER}
  liveliness: 1
  liveliness_lease_duration:
    {_FOREVER}
  avoid_ros_namespace_conventions: false
"""


class Recorder:
    """Writes messages in the order of their arrival, though sensors hand them over in the order of sampling."""

    def __init__(self, stream: IO[bytes], message_types: Mapping[str, str]) -> None:
        """Begin a recording with the message type of every topic, such as sensor_msgs/msg/Image."""
        self.counts: Counter[str] = Counter()
        self._waiting: list[tuple[int, int, str, bytes]] = []
        self._pushed = 0
        self._writer = Writer(stream, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        self._writer.start(profile="ros2", library="saltwell simulate")
        schemas = {
            name: self._writer.register_schema(name, "ros2msg", DEFINITIONS[name].encode())
            for name in dict.fromkeys(message_types.values())
        }
        self._channels = {
            topic: self._writer.register_channel(topic, "cdr", schemas[name], {"offered_qos_profiles": QOS})
            for topic, name in message_types.items()
        }

    def push(self, topic: str, arrival_ns: int, data: bytes) -> None:
        """Take a message that arrives now or later."""
        heapq.heappush(self._waiting, (arrival_ns, self._pushed, topic, data))
        self._pushed += 1

    def advance(self, now_ns: int) -> None:
        """Write what has arrived by now; nothing that is pushed later may arrive before it."""
        while self._waiting and self._waiting[0][0] <= now_ns:
            arrival_ns, _, topic, data = heapq.heappop(self._waiting)
            self._writer.add_message(
                self._channels[topic],
                log_time=arrival_ns,
                publish_time=arrival_ns,
                sequence=self.counts[topic],
                data=data,
            )
            self.counts[topic] += 1

    def finish(self, provenance: Mapping[str, str]) -> None:
        """Write what is still on its way, where the recording comes from, and the index."""
        if self._waiting:
            self.advance(max(self._waiting)[0])
        self._writer.add_metadata("provenance", dict(provenance))
        self._writer.finish()  # type: ignore[no-untyped-call] # mcap leaves it out
