"""What writers that died left behind in a store, beside the objects: parts of uploads, and half-written files.

Readers never see any of it; it takes space. Names are not given twice, so nothing here is needed again: the next life
of a writer begins its upload anew.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from sinks.s3_uploads import Uploads
from sinks.store import Store
from sinks.store_errors import explained

OLD_S = 24 * 3600.0
"""Whatever is older belongs to no writer that lives: the largest episode is uploaded within the hour."""

_DRAFT = re.compile(r"#\d+$")  # store.draft_of, and obstore's own


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that was begun `age_s` ago and has not become the object `key`."""

    key: str
    age_s: float
    remove: Callable[[], None]


def leftovers(store: Store) -> Iterator[Leftover]:
    """Everything begun and not ended, also what a living writer is at. Raises RetryError or StopError."""
    with explained(f"list what was left behind in {store.url}", remote=store.folder is None):
        yield from _of_bucket(store.url) if store.folder is None else _of_folder(store.folder)


def sweep(store: Store, *, older_than_s: float = OLD_S) -> list[str]:
    """Remove leftovers of that age; gives the keys that were to be. Raises RetryError or StopError."""
    removed = []
    for one in leftovers(store):
        if one.age_s >= older_than_s:
            with explained(f"remove what was left of {one.key} in {store.url}", remote=store.folder is None):
                one.remove()
            removed.append(one.key)
    return removed


def _of_bucket(url: str) -> Iterator[Leftover]:
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    uploads = Uploads(parts.netloc, prefix)
    for upload in uploads.unfinished():
        key = upload.key.removeprefix(f"{prefix}/")
        yield Leftover(key, time.time() - upload.begun.timestamp(), partial(uploads.abort, upload))


def _of_folder(folder: Path) -> Iterator[Leftover]:
    """`os.walk`, because it bears that folders go meanwhile."""
    for level, _, names in os.walk(folder):
        for path in (Path(level, name) for name in names if _DRAFT.search(name)):
            with suppress(FileNotFoundError):
                age_s = time.time() - path.stat().st_mtime
                key = _DRAFT.sub("", path.relative_to(folder).as_posix())
                yield Leftover(key, age_s, partial(path.unlink, missing_ok=True))
