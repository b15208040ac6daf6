"""The stamp of messages whose type we do not know."""

import re

from saltwell.messages.cdr import Reader

_HEADER_TYPES = {"std_msgs/Header", "std_msgs/msg/Header", "Header"}
_CONSTANT = re.compile(r"\S+\s+[A-Za-z_]\w*\s*=")


def starts_with_header(definition: str) -> bool:
    """Whether messages of this ros2msg definition begin with a std_msgs/Header.

    Constants are no part of a message: those before the first field are passed over. A definition in another
    language, such as ros2idl, is never said to begin with one.
    """
    for line in definition.splitlines():
        words = line.split("#", 1)[0].split()
        if words and not _CONSTANT.match(line.lstrip()):
            return words[0] in _HEADER_TYPES
    return False


def stamp_ns(cdr: bytes | memoryview) -> int:
    """The stamp of a message that begins with a header; MalformedMessage when it is too short."""
    return Reader(cdr).stamp_ns()
