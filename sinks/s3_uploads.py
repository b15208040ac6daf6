"""Multipart uploads of a bucket that were begun and never ended: what the object-store client can't list.

Signature by AWS Signature Version 4 (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html), with the
keys of the environment. Where a machine has its keys elsewhere (a role), the bucket's own rule
AbortIncompleteMultipartUpload does the same.
"""

import hashlib
import hmac
import os
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from saltwell.errors import StopError

_TIMEOUT_S = 30
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_NOTHING_SHA256 = hashlib.sha256(b"").hexdigest()
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that has not ended. `key` is that of the object in the bucket."""

    key: str
    upload_id: str
    begun: datetime


class Uploads:
    """Uploads of one bucket below a prefix. Raises OSError or ValueError, as `store_errors.explained` takes them."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._prefix = f"{prefix}/" if prefix else ""
        self._region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        self._bucket_url = f"{endpoint or f'https://s3.{self._region}.amazonaws.com'}".rstrip("/") + f"/{bucket}"

    def unfinished(self) -> Iterator[Upload]:
        """All of them, as the server lists them."""
        query = {"uploads": "", "prefix": self._prefix, "encoding-type": "url"}
        while True:
            found, marker = uploads_of(self._call("GET", "", query))
            yield from found
            if marker is None:
                return
            query["key-marker"], query["upload-id-marker"] = marker

    def abort(self, upload: Upload) -> None:
        """Give the parts' space back; an upload that is gone is no error."""
        self._call("DELETE", f"/{quote(upload.key, safe='/')}", {"uploadId": upload.upload_id})

    def _call(self, method: str, path: str, query: Mapping[str, str]) -> bytes:
        url = f"{self._bucket_url}{path}?{_canonical_query(query)}"
        request = urllib.request.Request(url, method=method, headers=self._signed(method, url))  # noqa: S310 - the user's own store
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
                return bytes(answer.read(_MAX_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            if error.code == _NOT_FOUND and method == "DELETE":
                return b""
            raise ValueError(f"status code: {error.code} {error.read(1000)!r}") from None

    def _signed(self, method: str, url: str) -> dict[str, str]:
        """Headers that prove who asks."""
        keys = _keys()
        parts = urlsplit(url)
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/{self._region}/s3/aws4_request"
        headers = {"host": parts.netloc, "x-amz-content-sha256": _NOTHING_SHA256, "x-amz-date": now}
        if token := os.environ.get("AWS_SESSION_TOKEN"):
            headers["x-amz-security-token"] = token
        names = ";".join(sorted(headers))
        lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
        canonical = "\n".join([method, parts.path, parts.query, *lines, "", names, _NOTHING_SHA256])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{keys[1]}".encode()
        for part in scope.split("/"):
            key = _hmac(key, part)
        signature = _hmac(key, to_sign).hex()
        credential = f"AWS4-HMAC-SHA256 Credential={keys[0]}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**headers, "authorization": credential}


def _keys() -> tuple[str, str]:
    keys = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not all(keys):
        raise StopError(
            "no keys in the environment: give the bucket a lifecycle rule AbortIncompleteMultipartUpload instead"
        )
    return keys


def _canonical_query(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(query[name], safe='')}" for name in sorted(query))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def uploads_of(answer: bytes) -> tuple[list[Upload], tuple[str, str] | None]:
    """The uploads on a page of the server's list, and where the next page begins; ValueError when it is none."""
    try:
        page = ET.fromstring(answer)  # noqa: S314 - expat bounds what entities unfold to, and the server is the user's own
    except ET.ParseError as error:
        raise ValueError(f"no XML: {error}") from None
    for element in page.iter():
        element.tag = element.tag.rpartition("}")[2]  # the namespace, which servers give or not
    plain = unquote if page.findtext("EncodingType") == "url" else str  # not every server encodes
    found = [_upload(one, plain) for one in page.iter("Upload")]
    if page.findtext("IsTruncated") != "true":
        return found, None
    return found, (plain(page.findtext("NextKeyMarker") or ""), page.findtext("NextUploadIdMarker") or "")


def _upload(element: ET.Element, plain: Callable[[str], str]) -> Upload:
    begun = datetime.fromisoformat(element.findtext("Initiated") or "")
    return Upload(plain(element.findtext("Key") or ""), element.findtext("UploadId") or "", begun.astimezone(UTC))
