"""Where finished episodes live: a folder, or a bucket behind S3."""

import io
import os
import secrets
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, S3Store

from saltwell.errors import RetryError, SaltwellError, SkipRecordError, StopError
from sinks.store_errors import NotInStore, explained

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MAX_OBJECT_BYTES = 64 * 1024 * 1024
"""Largest object that `Store.get` takes into memory."""

_PART_BYTES = 8 * 1024 * 1024
_PARTS_AT_ONCE = 4  # so an upload holds 32 MiB at most
_READ_AHEAD_BYTES = 1024 * 1024


class Store:
    """Objects by key; a key is a path with `/` between its parts.

    Every method raises RetryError when the same call may succeed later (the client has tried for half a minute
    by then), else StopError; NotInStore, a StopError, when there is no such object.
    """

    def __init__(self, backend: "ObjectStore", *, url: str, folder: Path | None) -> None:
        """`folder` is where the objects lie when they are files on this machine; None = a server has them."""
        self.url = url
        self.folder = folder
        self._backend = backend

    def uri(self, key: str) -> str:
        """Address of an object, or of a folder of objects, as others may be told it."""
        if self.folder is None:
            return f"{self.url}/{key}"
        return (self.folder / key).as_uri()

    def put_file(self, key: str, file: BinaryIO) -> None:
        """Store a file from its begin, in parts when it is large. Readers see the whole object or none."""
        with self._explained(f"put {key}"):
            file.seek(0)
            # obstore takes what has read, seek and tell, and says so in other words
            obstore.put(self._backend, key, file, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)
            self.make_durable(key)

    def put(self, key: str, data: bytes) -> None:
        """Store a small object; an older one of that name is replaced."""
        with self._explained(f"put {key}"):
            if self.folder is None:
                obstore.put(self._backend, key, data, use_multipart=False)
            else:
                _replace_file(self.folder / key, data)
            self.make_durable(key)

    def create(self, key: str, data: bytes) -> bool:
        """Store a small object unless there is one of that name; whether this call stored it.

        False is no proof that the object is there: S3 servers answer so on a conflict of two writers that
        wrote nothing (409), and a repeated request meets its own first try. Read it back and compare.
        """
        with self._explained(f"create {key}"):
            try:
                if self.folder is None:
                    obstore.put(self._backend, key, data, mode="create")
                else:
                    _create_file(self.folder / key, data)
            except (AlreadyExistsError, FileExistsError):
                return False
            self.make_durable(key)
            return True

    def get(self, key: str, *, limit_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        """The whole object; SkipRecordError when it is larger than the limit."""
        with self._explained(f"get {key}"):
            answer = obstore.get(self._backend, key)
            size = answer.meta["size"]
            if size <= limit_bytes:
                return bytes(answer.bytes())
        message = f"{self.uri(key)} has {size} bytes, more than the {limit_bytes} that such an object may have"
        raise SkipRecordError(message)

    def open(self, key: str) -> BinaryIO:
        """The object as a seekable stream that reads ahead 1 MiB."""
        with self._explained(f"open {key}"):
            size = obstore.head(self._backend, key)["size"]
        return io.BufferedReader(_ObjectReader(self, key, size), _READ_AHEAD_BYTES)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes of an object from `start`, which must lie inside it."""
        with self._explained(f"read {key}"):
            return bytes(obstore.get_range(self._backend, key, start=start, length=length))

    def size(self, key: str) -> int:
        """Bytes of an object."""
        with self._explained(f"look at {key}"):
            return int(obstore.head(self._backend, key)["size"])

    def has(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            self.size(key)
        except NotInStore:
            return False
        return True

    def copy(self, source: str, key: str) -> None:
        """An object under a further name, made by the server; what had that name is replaced."""
        with self._explained(f"copy {source} to {key}"):
            obstore.copy(self._backend, source, key)
            self.make_durable(key)

    def list(self, folder: str) -> Iterator[str]:
        """Keys of all objects below a folder, in no order."""
        with self._explained(f"list {folder}"):
            for page in obstore.list(self._backend, folder, chunk_size=1000):
                yield from (meta["path"] for meta in page)

    def ages(self, folder: str) -> Iterator[tuple[str, float]]:
        """Keys as `list` gives them, and how many seconds ago each was written, by the store's clock and ours."""
        now = datetime.now(UTC)
        with self._explained(f"list {folder}"):
            for page in obstore.list(self._backend, folder, chunk_size=1000):
                yield from ((meta["path"], (now - meta["last_modified"]).total_seconds()) for meta in page)

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with suppress(NotInStore), self._explained(f"remove {key}"):
            obstore.delete(self._backend, key)

    def check(self) -> None:
        """Stop now, with what to do about it, when episodes could not be committed here later.

        Besides reach and rights this proves that the server honours conditional create (If-None-Match): the
        commit protocol rests on it, and a server that ignores it overwrites in silence. What is stored is compared,
        not only what the server answers: an answer may be lost, or refuse in passing.
        """
        key = f"checks/{uuid.uuid4().hex}"
        try:
            self.put(key, b"first\n")
            replaced = self.create(key, b"second\n") or self.get(key) != b"first\n"
        except RetryError as error:
            raise StopError(str(error)) from error
        finally:
            with suppress(SaltwellError):
                self.remove(key)
        if replaced:
            raise StopError(f"{self.url} ignores conditional create (If-None-Match): use a server that honours it")

    def _explained(self, doing: str) -> AbstractContextManager[None]:
        return explained(f"{doing} in {self.url}", remote=self.folder is None)

    def make_durable(self, key: str) -> None:
        """Bring a file and its names to disk; a server does so by itself.

        A file survives a power cut only when it and the folders that name it are flushed.
        """
        if self.folder is None:
            return
        path = self.folder / key
        for level in (path, *path.parents):
            handle = os.open(level, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            if level == self.folder:
                break


def draft_of(path: Path) -> Path:
    """Name of a file that is not yet `path`: obstore hides names that end so, and no key of ours has a #."""
    return path.with_name(f"{path.name}#{secrets.randbelow(2**32)}")


def _create_file(path: Path, data: bytes) -> None:
    """Make a file that is on disk before it has its name, so that a power cut leaves it whole or absent.

    obstore writes, names, and leaves flushing to the caller. Raises FileExistsError.
    """
    with _drafted(path, data) as draft:
        path.hardlink_to(draft)


def _replace_file(path: Path, data: bytes) -> None:
    """As `_create_file`, in the place of an older one: after a power cut there is the one or the other."""
    with _drafted(path, data) as draft:
        draft.replace(path)


@contextmanager
def _drafted(path: Path, data: bytes) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(path)
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


class _ObjectReader(io.RawIOBase):
    """Reads an object by ranges."""

    def __init__(self, store: Store, key: str, size: int) -> None:
        self._store = store
        self._key = key
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._size - self._position)
        if length <= 0:
            return 0
        buffer[:length] = self._store.read_range(self._key, self._position, length)
        self._position += length
        return length


def open_store(url: str, *, create: bool = False) -> Store:
    """The store behind `s3://bucket/prefix`, `file:///folder` or a plain path.

    S3 takes its endpoint and credentials from the usual AWS_* environment variables (AWS_ENDPOINT_URL may be
    http). A folder must exist unless `create`. Raises StopError for any other URL.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return _bucket(url, bucket=parts.netloc, prefix=parts.path.strip("/"))
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return _folder(Path(unquote(parts.path)), create=create)
    if "://" in url or not url:
        raise StopError(f"{url!r} is no store: give s3://bucket/prefix, file:///folder or a path")
    return _folder(Path(url), create=create)


def check_store(url: str) -> None:
    """Whether a store is there and can be written; StopError with what to do when not. Writes and removes an object."""
    open_store(url).check()


def _folder(path: Path, *, create: bool) -> Store:
    path = path.absolute()
    with explained(f"use {path} as a store", remote=False):
        if create:
            path.mkdir(parents=True, exist_ok=True)
        elif not path.is_dir():
            raise NotInStore(f"no store at {path}: give its URL with --store or SALTWELL_STORE")
        return Store(LocalStore(path, automatic_cleanup=True), url=str(path), folder=path)


def _bucket(url: str, *, bucket: str, prefix: str) -> Store:
    if not bucket or "@" in bucket or ":" in bucket:
        raise StopError("a store URL names a bucket and no credentials: s3://bucket/prefix")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    if endpoint and not os.environ.get("AWS_ACCESS_KEY_ID"):
        raise StopError(f"{url} needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    backend = S3Store(
        bucket,
        prefix=prefix or None,
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": timedelta(seconds=60)},
        retry_config={
            "max_retries": 5,
            "retry_timeout": timedelta(seconds=30),
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
        },
    )
    return Store(backend, url=f"s3://{bucket}/{prefix}".rstrip("/"), folder=None)
