"""A number that tells whether two payloads are the same bytes."""

import hashlib


def content_digest(payload: bytes | memoryview) -> int:
    """Return 64 bits of the payload's SHA-1, signed, so that an Avro long holds them.

    Not for security: for finding exact repeats. Measured for 100 KB, with SHA instructions: SHA-1 54 us, CRC-32
    with Adler-32 52 us (weaker), SHA-256 58 us, BLAKE2b 107 us, MD5 136 us.
    """
    return int.from_bytes(hashlib.sha1(payload, usedforsecurity=False).digest()[:8], "big", signed=True)
