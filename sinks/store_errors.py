"""What an object store's refusal means: try again, or stop and say what a person should do.

Messages are made from the server's error code alone. Its answer and the library's text can hold the access key
and signatures: they are neither shown nor chained.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from saltwell.errors import RetryError, SaltwellError, StopError

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_OS_ERROR = re.compile(r"os error (\d+)|\[Errno (\d+)\]|code: (\d+),")
_TOO_MANY_REQUESTS = 429
_REQUEST_TIMEOUT = 408
_CONFLICT = 409
_SERVER_ERROR = 500
_PASSING = frozenset({"RequestTimeout", "NoSuchUpload"})
"""Refusals that another try overcomes: a connection that stood still (400), and an upload that is gone (404),
because it was aborted as a leftover, or because its completion was done and the answer lost."""

_ADVICE = {
    "NoSuchBucket": "the bucket does not exist: create it, or correct the store's URL",
    "AccessDenied": "these credentials may not do this: grant read, write and list on the bucket",
    "InvalidAccessKeyId": "the access key is not known there: correct AWS_ACCESS_KEY_ID",
    "XAdminUserNotFound": "the access key is not known there: correct AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret does not fit the access key: correct AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the session token has expired: renew AWS_SESSION_TOKEN",
    "InvalidToken": "the session token is not valid: renew AWS_SESSION_TOKEN",
    "AuthorizationHeaderMalformed": "the bucket lies in another region: correct AWS_REGION",
    "PermanentRedirect": "the bucket lies in another region: correct AWS_REGION and AWS_ENDPOINT_URL",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
}


class NotInStore(StopError):
    """There is no object of this name."""


@contextmanager
def explained(doing: str, *, remote: bool) -> Iterator[None]:
    """Turns whatever the store raises into RetryError, StopError or NotInStore.

    `doing` begins the message, e.g. "put a/b in s3://bucket". `remote` tells S3 from a folder.
    """
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        # `from None`: a traceback must not print the server's answer
        raise (_of_server if remote else _of_folder)(doing, error) from None


def _of_server(doing: str, error: Exception) -> SaltwellError:
    text = str(error)
    if type(error) is OSError and "[Errno " in text:
        return _of_folder(doing, error)  # the file that was to be put can't be read
    code = match[1] if (match := _CODE.search(text)) else None
    if code in _PASSING:
        return RetryError(f"can't {doing}: the server answered {code}")
    if code in _ADVICE:
        return StopError(f"can't {doing}: {_ADVICE[code]}")
    if isinstance(error, FileNotFoundError):
        return NotInStore(f"can't {doing}: no such object")
    status = int(match[1]) if (match := _STATUS.search(text)) else None
    if status is None or status in (_REQUEST_TIMEOUT, _CONFLICT, _TOO_MANY_REQUESTS) or status >= _SERVER_ERROR:
        return RetryError(f"can't {doing}: {_what_failed(text, code, status)}")
    return StopError(f"can't {doing}: the server refused it with {code or status}")


def _what_failed(text: str, code: str | None, status: int | None) -> str:
    if status is not None:
        return f"the server answered {code or status}"
    if "169.254.169.254" in text:
        return "no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if "dns error" in text:
        return "the host name is not known: correct AWS_ENDPOINT_URL"
    if "ConnectionRefused" in text:
        return "nothing answers there: start the server, or correct AWS_ENDPOINT_URL"
    return "no answer: see that the server runs, and that AWS_ENDPOINT_URL has the right scheme, host and port"


def _of_folder(doing: str, error: Exception) -> SaltwellError:
    if isinstance(error, FileNotFoundError):
        return NotInStore(f"can't {doing}: no such file")
    match = _OS_ERROR.search(str(error))
    number = int(next(filter(None, match.groups()))) if match else None
    return StopError(f"can't {doing}: {os.strerror(number) if number else type(error).__name__}")
