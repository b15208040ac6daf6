"""`python -m bench.capacity`: what centres need in cores, network and storage, from what a station costs.

Arithmetic only: figures of `make bench` times station-seconds of a plan.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import click

_PARTS = ("synchronize", "downsample", "score", "judge", "episodes")
_REPLICAS = 3
_DAY_S = 86_400
_KEPT_DAYS = 2
_MB = 1e6
_TB = 1e12


@dataclass(frozen=True, slots=True)
class Station:
    """A second of one station: core-seconds of parts and broker, bytes into the log, read from it, and stored."""

    parts_core_s: float
    broker_core_s: float
    log_bytes: float
    read_bytes: float
    stored_bytes: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be recorded: station-seconds a day, taken within so many hours, at most `peak` times the average."""

    name: str
    station_s_a_day: float
    hours_a_day: float
    peak: float
    share: float = 1.0
    """Of a station's bytes and work; what has fewer sensors has less."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a plan needs. `stations` record at once at the peak; cores are for that peak, at 60 % use."""

    stations: float
    cores: float
    broker_cores: float
    log_in_mb_s: float
    broker_disk_tb: float
    stored_tb_a_day: float


PLANS = (
    Plan("Zigong: 15,000 records of 30 s a day", 15_000 * 30, hours_a_day=16, peak=1.5),
    Plan("Ten such centres", 10 * 15_000 * 30, hours_a_day=16, peak=1.5),
    Plan("JD.com, robots: 1 million hours in 2 years", 1e6 * 3600 / 730, hours_a_day=16, peak=1.5),
    Plan("JD.com, human video: 10 million hours in 2 years", 1e7 * 3600 / 730, hours_a_day=16, peak=1.5, share=0.12),
)
_USE = 0.6


def need(plan: Plan, station: Station) -> Need:
    """What the plan needs, all centres together."""
    at_once = plan.station_s_a_day / (plan.hours_a_day * 3600) * plan.peak
    scaled = at_once * plan.share
    in_a_day = plan.station_s_a_day * plan.share
    return Need(
        stations=at_once,
        cores=scaled * station.parts_core_s / _USE,
        broker_cores=scaled * station.broker_core_s / _USE,
        log_in_mb_s=scaled * station.log_bytes / _MB,
        broker_disk_tb=in_a_day * station.log_bytes * _KEPT_DAYS * _REPLICAS / _TB,
        stored_tb_a_day=in_a_day * station.stored_bytes / _TB,
    )


def station_of(figures: dict[str, object], *, stored_bytes: float) -> Station:
    """A second of one station, from the figures of `make bench`."""
    seconds = float(figures["stations"] * figures["seconds"])  # type: ignore[operator] # JSON's numbers
    cpu_s: dict[str, dict[str, float]] = figures["processes"]  # type: ignore[assignment] # JSON's objects
    topics: dict[str, float] = figures["topic_bytes"]  # type: ignore[assignment] # as above
    frames = sum(size for topic, size in topics.items() if topic.startswith("frames."))
    clouds = topics["frames.cloud"] + topics["clouds.sampled"]
    return Station(
        parts_core_s=sum(cpu_s[part]["cpu_s"] for part in _PARTS) / seconds,
        broker_core_s=cpu_s["broker"]["cpu_s"] / seconds,
        log_bytes=sum(topics.values()) / seconds,
        read_bytes=(2 * frames + clouds) / seconds,  # score and episodes read frames, downsample clouds
        stored_bytes=stored_bytes,
    )


def table(station: Station) -> str:
    """The table of docs/capacity.md."""
    rows = [
        "| plan | stations at once | cores | broker cores | log in, MB/s | broker disks, TB | stored, TB a day |",
        "|---|---|---|---|---|---|---|",
    ]
    for plan in PLANS:
        of = need(plan, station)
        figures = (of.stations, of.cores, of.broker_cores, of.log_in_mb_s, of.broker_disk_tb, of.stored_tb_a_day)
        rows.append(f"| {plan.name} | " + " | ".join(f"{figure:,.0f}" for figure in figures) + " |")
    return "\n".join(rows)


@click.command()
@click.argument("figures", type=click.Path(exists=True, path_type=Path), default="build/bench/station-1.json")
@click.option("--stored-mb", required=True, type=float, help="MB of episode.mcap a station-second, of a demo's store.")
def main(figures: Path, stored_mb: float) -> None:
    """Print the table of docs/capacity.md."""
    station = station_of(json.loads(figures.read_text(encoding="utf-8")), stored_bytes=stored_mb * _MB)
    click.echo(
        f"a station-second: {station.parts_core_s:.2f} core-s of parts, {station.broker_core_s:.2f} of the broker, "
        f"{station.log_bytes / _MB:.0f} MB into the log, {station.read_bytes / _MB:.0f} MB read from it, "
        f"{station.stored_bytes / _MB:.0f} MB stored"
    )
    click.echo(table(station))


if __name__ == "__main__":
    main()
