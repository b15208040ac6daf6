"""std_msgs/String."""

from dataclasses import dataclass

from saltwell.messages.cdr import Reader, Writer


@dataclass(frozen=True, slots=True)
class String:
    """A line of text."""

    data: str

    @classmethod
    def decode(cls, data: bytes | memoryview) -> "String":
        """Read a message."""
        r = Reader(data)
        message = cls(r.string())
        r.end()
        return message

    def encode(self) -> bytes:
        """Write the message."""
        w = Writer()
        w.string(self.data)
        return w.done()
