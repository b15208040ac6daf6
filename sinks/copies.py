"""An object of one store under a name in another, moved as little as can be. Neither side is ever written again."""

import shutil
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from sinks.store import Store, draft_of, open_store
from sinks.store_errors import explained

MAX_SERVER_COPY_BYTES = 5 * 1024**3
"""Most bytes that S3 copies in one request (CopyObject)."""

_PART_BYTES = 8 * 1024 * 1024


def bring(source: Store, source_key: str, target: Store, key: str) -> None:
    """Put an object into another store: a hard link, a copy that the server makes, else through this machine.

    What was there is replaced; readers see the old object or the new. Raises RetryError or StopError, NotInStore when
    there is no such object.
    """
    if source.folder is not None and target.folder is not None:
        with explained(f"put {key} in {target.url}", remote=False):
            _link(source.folder / source_key, target.folder / key)
            target.make_durable(key)
    elif source.folder is None and target.folder is None and _server_can(source, source_key, target):
        open_store(f"s3://{_bucket(target)}").copy(f"{_prefix(source)}{source_key}", f"{_prefix(target)}{key}")
    else:
        with (
            source.open(source_key) as data,
            TemporaryFile() as file,
        ):  # the client can't read one while it puts another
            shutil.copyfileobj(data, file, _PART_BYTES)
            target.put_file(key, file)


def _link(source: Path, target: Path) -> None:
    """The same file under another name where the file system can, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(target)
    try:
        try:
            draft.hardlink_to(source)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(source, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _server_can(source: Store, key: str, target: Store) -> bool:
    return _bucket(source) == _bucket(target) and source.size(key) <= MAX_SERVER_COPY_BYTES


def _bucket(store: Store) -> str:
    return urlsplit(store.url).netloc


def _prefix(store: Store) -> str:
    return f"{urlsplit(store.url).path.strip('/')}/".lstrip("/")
