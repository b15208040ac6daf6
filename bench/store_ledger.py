"""`python -m bench.store_ledger`: what adding up the ledgers of a large store costs."""

import resource
import sys
import tempfile
import time
from pathlib import Path

import click

from bench.fuzz.files import stored_episode
from bench.fuzz.records import IDENTITY
from sinks.episodes.commit import Marker
from sinks.episodes.finished import FinishedEpisode, list_episodes, load_episodes
from sinks.episodes.layout import folder_key, manifest_key, marker_key
from sinks.episodes.manifest import sha256_hex
from sinks.episodes.sums import StoreLedger
from sinks.store import Store, open_store


@click.command()
@click.option("--episodes", "count", default=10_000, show_default=True, help="Episodes in the store.")
def main(count: int) -> None:
    """Make a folder of so many manifests, and read them all.

    \b
    Example:
      python -m bench.store_ledger --episodes 10000
    """
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), count)
        wall_s, before_s = time.monotonic(), time.process_time()
        ledger = add_up(open_store(folder))
        cpu_s, wall_s = time.process_time() - before_s, time.monotonic() - wall_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    sys.stdout.write(f"{ledger.episodes} episodes: {cpu_s:.1f} s of CPU, {wall_s:.1f} s, peak {peak_mb:.0f} MB\n")


def add_up(store: Store) -> StoreLedger:
    """As `saltwell episodes ledger` does."""
    ledger = StoreLedger()
    for one in load_episodes(store, list_episodes(store)):
        if isinstance(one, FinishedEpisode):
            ledger.add(one.manifest)
    return ledger


def fill(folder: Path, count: int) -> None:
    """Markers and manifests, without MCAP files."""
    _, manifest, _ = stored_episode()
    for number in range(count):
        name = f"{IDENTITY[2]}-{number}"
        text = manifest.replace(IDENTITY[2].encode(), name.encode())
        key = manifest_key(folder_key(IDENTITY[1], name, sha256_hex(text)))
        _write(folder / key, text)
        _write(folder / marker_key(name), Marker(key, sha256_hex(text), 1).encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
