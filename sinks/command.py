"""`saltwell sink`: one process that writes to object storage."""

import logging
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from saltwell.bus.worker import work, work_on
from saltwell.cli import options
from saltwell.errors import SaltwellError

if TYPE_CHECKING:
    from sinks.dataset.video import Codec
    from sinks.store import Store

log = logging.getLogger(__name__)


@click.group()
def sink() -> None:
    """Run a sink until Ctrl-C; start several to share the work.

    \b
    Example:
      saltwell sink episodes --store s3://episodes
    """


@sink.command()
@options.worker
@options.store
@click.option(
    "--scratch",
    default=None,
    type=click.Path(path_type=Path),
    help="Local folder for unfinished episodes; default: temporary.",
)
def episodes(store: str, scratch: Path | None, **where: Unpack[options.Where]) -> None:
    """Write finished episodes: MCAP, manifest, marker.

    \b
    Example:
      saltwell sink episodes --store s3://episodes --bootstrap kafka:9092
    """
    from sinks.episodes.processor import Episodes  # noqa: PLC0415 - --help needs no store
    from sinks.store import open_store  # noqa: PLC0415 - as above

    opened = open_store(store, create=True)
    opened.check()
    _tidy(opened)
    folder = scratch or Path(tempfile.gettempdir())
    work(lambda: Episodes(opened, folder), **where)


@sink.command()
@options.worker
@options.store
@click.option("--codec", default="h264", show_default=True, type=click.Choice(["h264", "av1"]), help="Of the videos.")
@click.option(
    "--decision",
    default=("accept",),
    show_default=True,
    multiple=True,
    type=click.Choice(["accept", "review", "reject"]),
    help="Which episodes; may be given several times.",
)
def dataset(store: str, codec: "Codec", decision: tuple[str, ...], **where: Unpack[options.Where]) -> None:
    """Make the training files of finished episodes: rows, videos, depth, clouds.

    \b
    Example:
      saltwell sink dataset --store s3://episodes --bootstrap kafka:9092
    """
    from sinks.dataset.processor import Datasets  # noqa: PLC0415 - --help needs no video library
    from sinks.store import open_store  # noqa: PLC0415 - as above

    opened = open_store(store, create=True)
    opened.check()
    work(lambda: Datasets(opened, Path(tempfile.gettempdir()), codec=codec, decisions=decision), **where)


@sink.command()
@options.worker
def traces(**where: Unpack[options.Where]) -> None:
    """Export each finished episode as a trace over OTLP, as the variables OTEL_EXPORTER_OTLP_* say.

    \b
    Example:
      OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 saltwell sink traces --bootstrap kafka:9092
    """
    from sinks.traces.otlp import Otlp  # noqa: PLC0415 - --help needs no OpenTelemetry
    from sinks.traces.processor import Traces  # noqa: PLC0415 - as above

    work(lambda: Traces(Otlp()), **where)


@sink.command()
@options.worker
@options.store
@click.option(
    "--every-s", default=60.0, show_default=True, type=click.FloatRange(0), help="Least time between commits."
)
@click.option(
    "--compact-every",
    default=60,
    show_default=True,
    type=click.IntRange(0),
    help="Commits between two compactions; 0 = never.",
)
def catalogue(store: str, every_s: float, compact_every: int, **where: Unpack[options.Where]) -> None:
    """Keep the catalogue: a table of all finished episodes and reviews. One process is enough.

    \b
    Example:
      saltwell sink catalogue --store s3://episodes --bootstrap kafka:9092
    """
    from sinks.catalogue.catalogue import Catalogue  # noqa: PLC0415 - --help needs no table library
    from sinks.catalogue.sink import CatalogueSink  # noqa: PLC0415 - as above
    from sinks.store import open_store  # noqa: PLC0415 - as above

    opened = open_store(store, create=True)
    opened.check()
    work_on(
        lambda: CatalogueSink(Catalogue(opened), every_s=every_s, compact_every=compact_every),
        lambda sink: partial(sink.run, bootstrap=where["bootstrap"]),
        bootstrap=where["bootstrap"],
        metrics_port=where["metrics_port"],
        ready_file=where["ready_file"],
    )


def _tidy(store: "Store") -> None:
    """Remove what sinks that died left in the store a day ago or more; where that is refused, go on without."""
    from sinks.leftovers import sweep  # noqa: PLC0415 - --help needs no store

    try:
        for key in sweep(store):
            log.info("removed what a sink that died left of %s", key)
    except SaltwellError as error:
        log.warning("%s", error)
