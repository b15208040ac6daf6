"""Every metric with its meaning, in one place. Each process serves them on /metrics."""

from collections.abc import Iterable
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from saltwell.contracts.identity import Decision

RECORDS_READ = Counter("saltwell_records_read", "Records taken from the log.", ["part", "topic"])
RECORDS_WRITTEN = Counter("saltwell_records_written", "Records committed to the log.", ["part", "topic"])
DEAD_LETTERS = Counter("saltwell_dead_letters", "Records that could not be used.", ["part", "topic"])
LATE_RECORDS = Counter("saltwell_late_records", "Records of episodes that were closed.", ["part", "topic"])
DUPLICATES = Counter("saltwell_duplicates", "Further copies of frames and of blocks of results, dropped.", ["part"])
CLOUDLESS = Counter("saltwell_cloudless_frames", "Scans and depth images without a sampled cloud, by why.", ["why"])
SOURCE_DROPS = Counter("saltwell_source_drops", "Frames the source lost, by its stamps.", ["stream"])
UNDELIVERED = Counter("saltwell_undelivered", "Frames the broker did not take.", ["stream"])
LOG_TRUNCATED = Counter("saltwell_log_truncated", "Partitions whose needed records were gone.", ["part", "topic"])
TRANSACTIONS = Counter("saltwell_transactions", "Transactions by how they ended.", ["part", "end"])
LAG_SECONDS = Gauge(
    "saltwell_lag_seconds",
    "Age of the newest record read, where the part is farthest behind; 0 = at the end.",
    ["part"],
)
OPEN_EPISODES = Gauge("saltwell_open_episodes", "Episodes begun and not finished.", ["part"])
VERDICTS = Counter("saltwell_verdicts", "Verdicts by decision.", ["decision"])
EPISODES_FINISHED = Counter("saltwell_episodes_finished", "Episodes stored whole, by decision.", ["decision"])
EPISODE_BYTES = Counter("saltwell_episode_bytes", "Bytes of episodes stored.")
EPISODES_TRAINED = Counter("saltwell_episodes_trained", "Episodes whose training files were made.")
TRACES = Counter("saltwell_traces", "Traces of episodes, by whether the collector took them.", ["outcome"])
CATALOGUED = Counter("saltwell_episodes_catalogued", "Episodes that came into the catalogue.")
SPOOL_BYTES = Gauge("saltwell_spool_bytes", "Bytes of all segments of the edge spool.")
SPOOL_UNACKNOWLEDGED = Gauge("saltwell_spool_unacknowledged_bytes", "Bytes of the spool the broker has not yet taken.")
SPOOL_REFUSED = Counter("saltwell_spool_refused_episodes", "Episodes not begun: the spool had no room.")
SPOOL_ABORTED = Counter("saltwell_spool_aborted_episodes", "Episodes the spool had to end: no room, or cut off.")
SPOOL_TORN_TAILS = Counter("saltwell_spool_torn_tails", "Segments cut back to their last whole chunk.")
SPOOL_DAMAGED = Counter("saltwell_spool_damaged_chunks", "Parts of segments that could not be read.")
TIME_TO_DURABLE = Histogram(
    "saltwell_spool_time_to_durable_seconds",
    "From a record's hand-over to the spool until the disk has it.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5),
)
_LATENCY_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
STOP_TO_VERDICT = Histogram(
    "saltwell_stop_to_verdict_seconds",
    "EpisodeStopped in the log to its verdict; observed by the sink.",
    buckets=_LATENCY_BUCKETS,
)
STOP_TO_STORED = Histogram(
    "saltwell_stop_to_stored_seconds",
    "EpisodeStopped in the log to the finished episode; observed by the sink.",
    buckets=_LATENCY_BUCKETS,
)


def begin_at_zero(part: str, topics: Iterable[str]) -> None:
    """Serve the counters of a part before anything is counted.

    A counter that appears with its first count seems never to have risen, so an alert on its rise would miss it.
    """
    for topic in topics:
        for counter in (DEAD_LETTERS, LATE_RECORDS, LOG_TRUNCATED):
            counter.labels(part, topic)
    for end in ("committed", "failed"):
        TRANSACTIONS.labels(part, end)
    for decision in get_args(Decision):
        VERDICTS.labels(decision)
        EPISODES_FINISHED.labels(decision)
