"""sensor_msgs/CompressedImage and sensor_msgs/Image."""

from dataclasses import dataclass

from saltwell.messages.cdr import Reader, Writer


@dataclass(frozen=True, slots=True)
class CompressedImage:
    """A compressed image file; `format` is free text such as "jpeg" or "bgr8; jpeg compressed bgr8"."""

    stamp_ns: int
    frame_id: str
    format: str
    data: bytes | memoryview

    @classmethod
    def decode(cls, data: bytes | memoryview) -> "CompressedImage":
        """Read a message; the image is a view of it."""
        r = Reader(data)
        message = cls(r.stamp_ns(), r.string(), r.string(), r.block())
        r.end()
        return message

    def encode(self) -> bytes:
        """Write the message."""
        w = Writer()
        w.stamp_ns(self.stamp_ns)
        w.string(self.frame_id)
        w.string(self.format)
        w.block(self.data)
        return w.done()


@dataclass(frozen=True, slots=True)
class Image:
    """A raw image: `height` rows of `step` bytes."""

    stamp_ns: int
    frame_id: str
    height: int
    width: int
    encoding: str
    big_endian: bool
    step: int
    data: bytes | memoryview

    @classmethod
    def decode(cls, data: bytes | memoryview) -> "Image":
        """Read a message; the pixels are a view of it."""
        r = Reader(data)
        message = cls(r.stamp_ns(), r.string(), r.uint32(), r.uint32(), r.string(), r.boolean(), r.uint32(), r.block())
        r.end()
        return message

    def encode(self) -> bytes:
        """Write the message."""
        w = Writer()
        w.stamp_ns(self.stamp_ns)
        w.string(self.frame_id)
        w.uint32(self.height)
        w.uint32(self.width)
        w.string(self.encoding)
        w.uint8(int(self.big_endian))
        w.uint32(self.step)
        w.block(self.data)
        return w.done()
