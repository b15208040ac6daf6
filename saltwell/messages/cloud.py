"""sensor_msgs/PointCloud2, in any layout."""

from dataclasses import dataclass

from saltwell.contracts.frames import CloudFrame, PointField
from saltwell.messages.cdr import Reader, Writer

_LEAST_FIELD_BYTES = 16


@dataclass(frozen=True, slots=True)
class PointCloud2:
    """A point cloud: `height` rows of `width` points of `point_step` bytes, laid out as `fields` say.

    `padding` are the zeros behind the message, which some writers store.
    """

    stamp_ns: int
    frame_id: str
    height: int
    width: int
    fields: tuple[PointField, ...]
    big_endian: bool
    point_step: int
    row_step: int
    data: bytes | memoryview
    dense: bool
    padding: int = 0

    @classmethod
    def decode(cls, data: bytes | memoryview) -> "PointCloud2":
        """Read a message; the points are a view of it."""
        r = Reader(data)
        head = (r.stamp_ns(), r.string(), r.uint32(), r.uint32())
        fields = tuple(_read_field(r) for _ in range(r.length(least_bytes=_LEAST_FIELD_BYTES)))
        return cls(*head, fields, r.boolean(), r.uint32(), r.uint32(), r.block(), r.boolean(), r.end())

    def encode(self) -> bytes:
        """Write the message."""
        w = Writer()
        w.stamp_ns(self.stamp_ns)
        w.string(self.frame_id)
        w.uint32(self.height)
        w.uint32(self.width)
        w.length(len(self.fields))
        for field in self.fields:
            w.string(field.name)
            w.uint32(field.offset)
            w.uint8(field.datatype)
            w.uint32(field.count)
        w.uint8(int(self.big_endian))
        w.uint32(self.point_step)
        w.uint32(self.row_step)
        w.block(self.data)
        w.uint8(int(self.dense))
        w.padding(self.padding)
        return w.done()


def cloud_frame(message: PointCloud2, *, stream: str, seq: int, arrived_ns: int) -> CloudFrame:
    """The message as a frame of no episode, for what works on frames."""
    return CloudFrame(
        site="",
        robot="",
        episode="",
        stream=stream,
        seq=seq,
        captured_ns=message.stamp_ns,
        arrived_ns=arrived_ns,
        frame_id=message.frame_id,
        height=message.height,
        width=message.width,
        fields=message.fields,
        big_endian=message.big_endian,
        point_step=message.point_step,
        row_step=message.row_step,
        dense=message.dense,
        payload=bytes(message.data),
    )


def _read_field(r: Reader) -> PointField:
    return PointField(name=r.string(), offset=r.uint32(), datatype=r.uint8(), count=r.uint32())
