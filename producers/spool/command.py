"""`saltwell spool`: look at spools. `saltwell replay DIR` sends one."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from producers.spool.layout import is_spool
from producers.spool.listing import SpoolSeen, survey
from saltwell.cli import options
from saltwell.errors import StopError

_MB = 1_000_000


@click.group()
def spool() -> None:
    """Look at edge spools; `saltwell replay DIR` sends one.

    \b
    Example:
      saltwell spool ls /var/spool/saltwell
    """


@spool.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@options.as_json
def ls(folder: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """List the segments and episodes of a spool; it may be in use.

    \b
    Example:
      saltwell spool ls /var/spool/saltwell --json
    """
    if not is_spool(folder):
        raise StopError(f"{folder}: no spool; give the folder that `saltwell replay --spool` recorded into")
    seen = survey(folder)
    click.echo(json.dumps(asdict(seen), indent=2) if as_json else table(seen))


def table(seen: SpoolSeen) -> str:
    """A spool for people."""
    lines = [
        f"{s.name}  {s.bytes / _MB:8.1f} MB  {s.unacknowledged_bytes / _MB:8.1f} MB to send  "
        + ("closed" if s.is_closed else f"torn, {s.torn_bytes} bytes" if s.torn_bytes else "open")
        for s in seen.segments
    ]
    lines += [
        f"{e.episode}  {e.robot}  {e.site}  {e.state}" + (f": {e.reason}" if e.reason else "") for e in seen.episodes
    ]
    lines += [f"{name}  damaged, set aside" for name in seen.set_aside]
    use = "in use" if seen.in_use else "not in use"
    lines.append(
        f"{len(seen.segments)} segments, {len(seen.episodes)} episodes, {seen.bytes / _MB:.1f} MB on disk, "
        f"{seen.unacknowledged_bytes / _MB:.1f} MB to send; {use}"
    )
    return "\n".join(lines)
