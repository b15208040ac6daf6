"""The same call for many items, some at once: a store takes longer to answer than we to ask."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

READ_AT_ONCE = 32
_BATCH = 256

S = TypeVar("S")
T = TypeVar("T")


def at_once(call: Callable[[S], T], items: Iterable[S], *, threads: int = READ_AT_ONCE) -> Iterator[T]:
    """What the call gives for each item, in their order; some hundred are in memory."""
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        while batch := [*islice(left, _BATCH)]:
            yield from pool.map(call, batch)
