"""Keeping freed memory: images come and go thirty times a second."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of glibc's malloc.h
_KEPT_BYTES = 64 * 1024 * 1024
_PAD_BYTES = 16 * 1024 * 1024
_OWN_MAP_BYTES = 32 * 1024 * 1024  # the largest that glibc takes


def keep_freed_memory() -> bool:
    """Ask the allocator to keep up to 64 MiB that was freed; whether it could be asked (glibc only).

    It gives large blocks back to the kernel at once, which clears them again page by page when they are asked for:
    of a depth image of 640 x 480 that takes ten times as long as reading it (python -m bench.score_cost).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((_MMAP_THRESHOLD, _OWN_MAP_BYTES), (_TRIM_THRESHOLD, _KEPT_BYTES), (_TOP_PAD, _PAD_BYTES))
    return all(mallopt(name, value) == 1 for name, value in settings)
