"""One publisher at a time for each dataset: two would number other episodes alike.

A folder has a lock file beside it, which the kernel lets go of when its process ends, however it does. A bucket has a
lock object in the dataset; it names the machine and its lock file, so that a later call on that machine, which holds
the file, knows that the writer of the object is dead.
"""

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from saltwell.errors import SaltwellError, StopError
from sinks.episodes.manifest import sha256_hex
from sinks.store import Store
from sinks.store_errors import NotInStore, explained

LOCK_OBJECT = "publishing.lock"

_MAX_BYTES = 4096


@contextmanager
def alone(target: Store) -> Iterator[None]:
    """Hold the dataset's lock; StopError in one line when another process has it."""
    if target.folder is not None:
        with _locked_file(target.folder.with_name(f".{target.folder.name}.lock"), target.url):
            yield
        return
    path = Path(tempfile.gettempdir()) / f"saltwell-publish-{sha256_hex(target.url.encode())[:16]}.lock"
    with _locked_file(path, target.url) as holder, _locked_object(target, f"{socket.gethostname()} {holder}"):
        yield


@contextmanager
def _locked_file(path: Path, url: str) -> Iterator[str]:
    """Gives a name for this very file, as no other machine or container has it."""
    with explained(f"lock {url}", remote=False):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "?"
            raise StopError(f"{url} is being published by process {holder}; wait until it is done") from None
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        about = os.fstat(handle)
        yield f"{about.st_dev}:{about.st_ino}"
    finally:
        os.close(handle)


@contextmanager
def _locked_object(target: Store, holder: str) -> Iterator[None]:
    while not target.create(LOCK_OBJECT, holder.encode()):
        found = _holder(target)
        if found == holder:
            break  # of a process of this machine, which does not live: its lock file is ours
        if found:
            raise StopError(
                f"{target.url} is being published from {found.split()[0]}; if that process is dead, remove "
                f"{target.uri(LOCK_OBJECT)}"
            )
    try:
        yield
    finally:
        with suppress(SaltwellError):
            target.remove(LOCK_OBJECT)


def _holder(target: Store) -> str:
    """Who holds the lock; empty when it was let go of meanwhile."""
    try:
        return target.get(LOCK_OBJECT, limit_bytes=_MAX_BYTES).decode(errors="replace").strip()
    except NotInStore:
        return ""
