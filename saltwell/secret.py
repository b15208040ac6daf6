"""Secrets come from files, and no message quotes them."""

from pathlib import Path

from saltwell.errors import StopError

_MAX_SECRET_BYTES = 4096


def read_secret(path: Path, *, variable: str) -> str:
    """The one line of a secret's file, without its line end; StopError, which never quotes it."""
    try:
        with path.open("rb") as file:
            secret = file.read(_MAX_SECRET_BYTES + 1).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise StopError(f"{variable}: can't read {path}: {reason}; name a file that holds the password") from None
    if not secret or "\n" in secret or len(secret) >= _MAX_SECRET_BYTES:
        raise StopError(f"{variable}: {path} must hold one line, the password")
    return secret
