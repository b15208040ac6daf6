"""`saltwell process`: one process of the pipeline."""

from pathlib import Path
from typing import Unpack

import click

from saltwell.bus.processor import Processor
from saltwell.bus.worker import work
from saltwell.cli import options


@click.group()
def process() -> None:
    """Run one of the processors until Ctrl-C; start several to share the work.

    \b
    Example:
      saltwell process score --bootstrap kafka:9092 --instance score-2
    """


@process.command()
@options.worker
@click.option(
    "--silent-after-s",
    default=3600.0,
    show_default=True,
    type=click.FloatRange(min=1.0),
    help="End an episode of which nothing was heard for so long.",
)
@click.option(
    "--policies",
    default=None,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="How each stream is matched; default: by kind.",
)
def synchronize(silent_after_s: float, policies: Path | None, **where: Unpack[options.Where]) -> None:
    """Say which frames belong together (timeline -> alignment).

    \b
    Example:
      saltwell process synchronize --bootstrap kafka:9092 --policies sync.toml
    """
    from processors.synchronize.policy import load_policies  # noqa: PLC0415 - each process loads its own part only
    from processors.synchronize.processor import Synchronize  # noqa: PLC0415 - each process loads its own part only

    loaded = load_policies(policies) if policies else None
    work(lambda: Synchronize(silent_after_ms=round(silent_after_s * 1000), policies=loaded), **where)


@process.command()
@options.worker
@click.option("--voxel-m", default=0.05, show_default=True, help="Edge of a voxel, m.")
@click.option("--farthest", default=0, show_default=True, help="Farthest-point sample to so many points; 0 = all.")
@click.option(
    "--config",
    default=None,
    envvar="SALTWELL_CLOUDS",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings by stream (docs/clouds.md); also what makes clouds of depth images.",
)
def downsample(voxel_m: float, farthest: int, config: Path | None, **where: Unpack[options.Where]) -> None:
    """Make clouds smaller (frames.cloud -> clouds.sampled).

    \b
    Example:
      saltwell process downsample --voxel-m 0.02 --config clouds.toml
    """
    from processors.downsample.processor import Downsample  # noqa: PLC0415 - each process loads its own part only
    from processors.downsample.settings import StreamSettings, load_settings  # noqa: PLC0415 - as above
    from processors.downsample.warm import warm  # noqa: PLC0415 - as above

    settings = load_settings(config, base=StreamSettings(voxel_m=voxel_m, farthest=farthest))

    def make() -> Processor:
        warm(settings)
        return Downsample(settings)

    work(make, **where)


@process.command()
@options.worker
@click.option(
    "--dear-hz",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Measure what costs much so often a second, the rest on every frame.",
)
@click.option(
    "--limits",
    default=None,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Limits of joints by name (docs/quality.md).",
)
def score(dear_hz: float, limits: Path | None, **where: Unpack[options.Where]) -> None:
    """Measure every frame (frames.* -> scores).

    \b
    Example:
      saltwell process score --bootstrap kafka:9092 --limits g1.toml
    """
    from processors.score.limits import load_limits  # noqa: PLC0415 - each process loads its own part only
    from processors.score.settings import ScoreSettings  # noqa: PLC0415 - as above

    settings = ScoreSettings(dear_hz=dear_hz, limits=load_limits(limits) if limits else {})

    def make() -> Processor:
        from processors.score import cloud, cloud_shape, depth  # noqa: PLC0415 - as above
        from processors.score.memory import keep_freed_memory  # noqa: PLC0415 - as above
        from processors.score.processor import Score  # noqa: PLC0415 - as above

        keep_freed_memory()
        cloud.warm()
        cloud_shape.warm()
        depth.warm()
        return Score(settings)

    work(make, **where)


@process.command()
@options.worker
@click.option(
    "--criteria", default=None, type=click.Path(path_type=Path), metavar="FILE", help="Default: the built-in ones."
)
@click.option(
    "--baselines",
    default=None,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What is usual, as `saltwell baselines learn` wrote it.",
)
def judge(criteria: Path | None, baselines: Path | None, **where: Unpack[options.Where]) -> None:
    """Give verdicts (alignment, scores -> verdicts).

    \b
    Example:
      saltwell process judge --criteria criteria.toml
    """
    from processors.judge.baselines import load_baselines  # noqa: PLC0415 - each process loads its own part only
    from processors.judge.criteria import BUILT_IN, load_criteria  # noqa: PLC0415 - as above
    from processors.judge.processor import Judge  # noqa: PLC0415 - as above

    loaded = load_criteria(criteria or BUILT_IN)
    usual = load_baselines(baselines) if baselines else None
    work(lambda: Judge(loaded, usual), **where)
