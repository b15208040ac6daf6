"""Which partition a robot's records go to, the same for every client and language."""

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_M = 0x5BD1E995
_R = 24


def murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 with Kafka's seed, as an unsigned number.

    Same values as `org.apache.kafka.common.utils.Utils.murmur2`, so that Java clients agree on partitions.
    """
    h = _SEED ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ k >> _R) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(robot: str, partitions: int) -> int:
    """Partition (the shard) of a robot: murmur2 of its id, sign bit cleared, modulo the partition count."""
    return (murmur2(robot.encode()) & 0x7FFFFFFF) % partitions
