"""Notes to the account: frames that were numbered and never became a record of the spool. Pure."""

import json

from producers.spool.chunk import Buffer
from producers.spool.facts import Lost


def note_body(lost: Lost) -> bytes:
    """A note as it lies in a segment."""
    return json.dumps([lost.identity, lost.stream, list(lost.seqs), lost.cause]).encode()


def note_from_body(body: Buffer) -> Lost:
    """The note again."""
    (site, robot, episode), stream, seqs, cause = json.loads(bytes(body))
    return Lost((site, robot, episode), stream, seqs, cause)
