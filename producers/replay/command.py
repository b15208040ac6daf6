"""`saltwell replay`: recordings into the pipeline."""

import json
import re
import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from producers.clock import load_calibration
from producers.names import usable_streams
from producers.outbox import KafkaOutbox
from producers.publisher import Outbox
from producers.replay.player import Part, Played, play
from producers.replay.recording import episode_indexes, open_recording
from producers.spool.layout import is_spool
from producers.spool.room import GB, Room
from producers.spool.session import send_spool, through_spool
from saltwell.bus.worker import serve_metrics
from saltwell.cli import options
from saltwell.contracts.codec import Codec
from saltwell.contracts.registry import schema_ids
from saltwell.errors import StopError

MB = 1_000_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--robot", default=None, metavar="ID", help="Robot to play as; not for spools.")
@click.option("--robots", default=1, show_default=True, type=click.IntRange(1, 1000), help="Play as N: ID-1 ... ID-N.")
@click.option("--site", default="local", show_default=True, help="Data-collection centre.")
@click.option("--task", default=None, metavar="TEXT", help="What the robot does; default: the recording's /task.")
@click.option("--subject", default="", metavar="ID", help="Who is seen, or whose consent it is: see `store erase`.")
@click.option("--operator", default="", metavar="NAME", help="Who drove the robot; reports count by it.")
@click.option(
    "--speed", default="1", show_default=True, type=click.Choice(["1", "max"]), help="As recorded, or flat out."
)
@click.option(
    "--episode", default=None, metavar="ID", help="Episode id, to send a recording again; one FILE, one robot."
)
@click.option(
    "--episode-index",
    "indexes",
    multiple=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="Only this episode of a LeRobot dataset; may be given several times.",
)
@click.option(
    "--spool",
    default=None,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Record to this folder first, and send from there.",
)
@click.option(
    "--spool-cap-gb",
    default=100.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Disk the spool may use; a tenth of it, 4 GB at most, is not for new episodes.",
)
@click.option("--offline", is_flag=True, help="Only record to --spool; `saltwell replay DIR` sends it later.")
@click.option(
    "--clocks",
    default=None,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What is known of the sensors' clocks: latencies, hardware stamps.",
)
@click.option(
    "--metrics-port",
    type=options.PORT,
    expose_value=False,
    callback=lambda _context, _option, port: _serve(port),
    help="Serve /metrics on this port while it runs; 0 = a free one.",
)
@options.bootstrap
@options.as_json
def replay(  # noqa: PLR0917 - click passes by name
    files: tuple[Path, ...],
    robot: str | None,
    robots: int,
    site: str,
    task: str | None,
    subject: str,
    operator: str,
    speed: str,
    episode: str | None,
    indexes: tuple[int, ...],
    spool: Path | None,
    spool_cap_gb: float,
    offline: bool,  # noqa: FBT001 - click passes by name
    clocks: Path | None,
    bootstrap: str,
    as_json: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Play recordings (MCAP, ROS bags) as episodes; each FILE is one. Send spools (folders) under their own names.

    A folder with a LeRobot dataset (v2.1, v3.0) is all its episodes; the verdict says that nobody measured their times.

    \b
    Example:
      saltwell replay take_17.mcap --robot g1-04 --task "sort the parts" --speed max
      saltwell replay take_17.mcap --robot g1-04 --spool /var/spool/saltwell
      saltwell replay datasets/pick_bottle --robot g1-04 --episode-index 29 --speed max
      saltwell replay /media/disk/spool
    """
    if any(is_spool(path) for path in files):
        _send_spools(files, robot, spool, bootstrap=bootstrap, as_json=as_json)
        return
    if offline and spool is None:
        raise StopError("--offline records to a spool and nowhere else; give --spool DIR")
    names = _robots(robot, robots)
    takes = [(path, index) for path in files for index in episode_indexes(path, indexes)]
    if episode is not None and (len(takes) > 1 or robots > 1 or not _NAME.fullmatch(episode)):
        raise StopError("--episode goes with one FILE and one robot; use letters, digits, dot, dash and underscore")
    calibration = load_calibration(clocks) if clocks else None
    total = sum(_messages_in(path, index) for path, index in takes)
    played: list[Played] = []
    with (
        _outbox(bootstrap, spool, cap_bytes=int(spool_cap_gb * GB), offline=offline) as outbox,
        _progress(total) as advance,
    ):
        for path, index in takes:
            played += play(
                path,
                outbox,
                [Part(name, episode or new_episode(name)) for name in names],
                site=site,
                task=task,
                real_time=speed == "1",
                on_message=lambda: advance(1),
                calibration=calibration,
                episode_index=index,
                people={role: name for role, name in (("operator", operator), ("subject", subject)) if name},
            )
    _tell(played, as_json=as_json)


def _robots(robot: str | None, count: int) -> list[str]:
    """Names of the robots to play as."""
    if robot is None:
        raise click.UsageError("Missing option '--robot'.")
    if not _NAME.fullmatch(robot):
        raise StopError(f"robot {robot!r}: use letters, digits, dot, dash and underscore, 64 at most")
    return [robot] if count == 1 else [f"{robot}-{i}" for i in range(1, count + 1)]


def _messages_in(path: Path, index: int | None) -> int:
    """Look through a recording before anything is sent: StopError when it can't be played."""
    recording = open_recording(path, index)
    recording.close()
    usable_streams(stream.name for stream in recording.streams)
    return recording.count


def _tell(played: Sequence[Played], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"episodes": [_report(p) for p in played]}, indent=2))
        return
    for p in played:
        lost = sum(r.count for e in p.streams.values() for r in e.missing)
        click.echo(
            f"{p.episode}  {p.robot}  {p.seconds:.1f} s  {len(p.streams)} streams  {lost} frames lost at the source"
        )


def _serve(port: int | None) -> None:
    if port is not None:
        serve_metrics(port, None)


def _outbox(bootstrap: str, spool: Path | None, *, cap_bytes: int, offline: bool) -> AbstractContextManager[Outbox]:
    """To the broker, or to a spool and from there."""
    if spool is None:
        return nullcontext(KafkaOutbox(bootstrap, Codec(schema_ids())))
    return through_spool(spool, room=Room.of_cap(cap_bytes), bootstrap=None if offline else bootstrap)


def _send_spools(
    files: tuple[Path, ...], robot: str | None, spool: Path | None, *, bootstrap: str, as_json: bool
) -> None:
    if robot is not None or spool is not None or not all(is_spool(path) for path in files):
        raise StopError("a spool is sent under its own names: give only spools, without --robot and --spool")
    sent = [send_spool(path, bootstrap=bootstrap) for path in files]
    if as_json:
        click.echo(json.dumps({"spools": [asdict(s) for s in sent]}, indent=2))
        return
    for s in sent:
        for e in s.episodes:
            click.echo(f"{e.episode}  {e.robot}  {e.site}  {e.state}{': ' if e.reason else ''}{e.reason}")
        click.echo(f"{s.folder}: {len(s.episodes)} episodes, {s.bytes / MB:.1f} MB sent")


def new_episode(robot: str) -> str:
    """An episode id that sorts by time and is used once."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{robot}-{secrets.token_hex(3)}"


def _report(played: Played) -> dict[str, Any]:
    streams = {
        name: {"sent": e.last_seq + 1, "published": e.count, "missing": sum(r.count for r in e.missing)}
        for name, e in played.streams.items()
    }
    return {
        "id": played.episode,
        "robot": played.robot,
        "seconds": played.seconds,
        "malformed": played.malformed,
        "streams": streams,
    }


class _progress:  # noqa: N801 - used like a function
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, total: int) -> None:
        self._bar: Any = None
        if sys.stderr.isatty():
            self._bar = click.progressbar(length=total, label="replay", file=sys.stderr, update_min_steps=50)

    def __enter__(self) -> Callable[[int], None]:
        if self._bar is None:
            return lambda _: None
        self._bar.__enter__()
        return self._bar.update  # type: ignore[no-any-return] # click's bar is generic over its items

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(*error)
