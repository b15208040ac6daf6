"""Finished episodes as plain text, for terminals of 100 columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from saltwell.conformance import Clause, Measure, conformance
from saltwell.contracts.results import Reason, Review, StreamTiming
from saltwell.contracts.timeline import SeqRange
from sinks.episodes.finished import FinishedEpisode
from sinks.episodes.manifest import Manifest, StreamEntry
from sinks.episodes.reviews import corrected
from sinks.episodes.sums import StoreLedger, Sums
from sinks.episodes.verify import Report

COLUMNS = 100
_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000
_RANGES_SHOWN = 20
_BY_PEOPLE = "*"
_EPISODE_HEAD = ("EPISODE", "ROBOT", "DECISION", "STEPS", "SECONDS", "LOST", "MB", "TASK")


def episode_table(episodes: Sequence[FinishedEpisode], reviews: Mapping[str, Review]) -> str:
    """A line an episode, with the reviews that count; the task gives way when the line would be too long."""
    rows = [_episode_row(one.manifest, reviews.get(one.manifest.episode)) for one in episodes]
    return _episode_table(rows, by_people=any(one.manifest.episode in reviews for one in episodes))


def catalogue_table(found: Sequence[Mapping[str, Any]]) -> str:
    """The same of rows of the catalogue."""
    return _episode_table([*map(_catalogue_row, found)], by_people=any(row["reviewer"] is not None for row in found))


def _episode_table(rows: Sequence[Sequence[str]], *, by_people: bool) -> str:
    lines = table(_EPISODE_HEAD, rows, right={3, 4, 5, 6})
    return plain_text([*lines, *([f"{_BY_PEOPLE} a person's word"] if by_people else [])])


def episode_page(one: FinishedEpisode, reviews: Sequence[Review]) -> str:
    """Everything about an episode that a person wants to see; reviews in the order of their times."""
    manifest = one.manifest
    facts = [
        ("episode", manifest.episode),
        ("robot", f"{manifest.robot} at {manifest.site}"),
        ("task", manifest.task),
        ("decision", f"{manifest.decision}, criteria {manifest.criteria_version}"),
        ("success", {True: "yes", False: "no", None: "not said"}[manifest.success]),
        ("time", f"{_utc(manifest.started_ns)}, {_seconds(manifest):.1f} s, {manifest.ending}"),
        ("steps", f"{manifest.steps}, of {manifest.anchor or 'a fixed rate'}; {_waits(manifest)}"),
        ("size", f"{manifest.archive.bytes / 1e6:.1f} MB"),
        ("at", one.uri),
    ]
    lines = [f"{name:9} {value}" for name, value in facts]
    lines += ["", *map(_reason_line, manifest.reasons)] if manifest.reasons else []
    lines += ["", *map(_review_line, reviews)] if reviews else []
    head = ("STREAM", "KIND", "SENT", "WRITTEN", "LOST", "TWICE", "DEAD", "SKEW P50 MS", "P99 MS")
    rows = [_stream_row(name, entry) for name, entry in sorted(manifest.streams.items())]
    lines += ["", *table(head, rows, right={2, 3, 4, 5, 6, 7, 8})]
    clock_head = ("STREAM", "CLOCK", "OFFSET MS", "+- MS", "PPM", "SET", "DELAY P50", "P99 MS", "JITTER %", "LATE")
    clocks = [row for name, entry in sorted(manifest.streams.items()) if (row := _clock_row(name, entry.timing))]
    lines += ["", *table(clock_head, clocks, right={2, 3, 4, 5, 6, 7, 8, 9})] if clocks else []
    lines += ["", "GB/Z 218.1-2026, as far as it is known:", *map(_clause_line, _clauses(manifest))]
    lost = list(_loss_lines(manifest))
    lines += ["", "Not in the file:", *lost] if lost else []
    return plain_text(lines)


def review_page(one: FinishedEpisode) -> str:
    """What a person needs who is to judge an episode."""
    manifest = one.manifest
    head = f"{manifest.episode}  {manifest.robot}  {_seconds(manifest):.1f} s  {manifest.task}"
    return plain_text(["", head, *(f"  {_reason_line(reason)}" for reason in manifest.reasons)])


def ledger_page(ledger: StoreLedger) -> str:
    """What became of all frames, a line a kind of stream; a column a cause that occurs."""
    total = ledger.total()
    causes = sorted(total.lost)
    head = ("KIND", "STREAMS", "SENT", "WRITTEN", *(f"LOST {cause.upper()}" for cause in causes), "TWICE", "DEAD")
    rows = [_sums_row(kind, sums, causes) for kind, sums in ledger.kinds()]
    sums = table(head, [*rows, _sums_row("all", total, causes)], right={*range(1, len(head))})
    lost = f"{total.lost.total()} lost with a cause"
    return plain_text([*sums, "", f"{ledger.episodes} episodes: {total.sent} sent = {total.written} written + {lost}"])


def report_page(report: Report) -> str:
    """What verification found."""
    if report.problems:
        return plain_text([f"episode {report.episode} is damaged:", *(f"  {problem}" for problem in report.problems)])
    if report.expired:
        return plain_text([f"{report.expired}; marker and manifest are whole"])
    messages = sum(report.messages.values())
    return (
        f"episode {report.episode} is whole: {messages} messages of {len(report.messages)} streams,"
        f" {report.bytes / 1e6:.1f} MB read back"
    )


def _episode_row(manifest: Manifest, review: Review | None) -> tuple[str, ...]:
    counts = corrected(manifest, review)
    return (
        manifest.episode,
        manifest.robot,
        counts.decision + (_BY_PEOPLE if review else ""),
        str(manifest.steps),
        f"{_seconds(manifest):.1f}",
        str(sum(entry.ledger.lost for entry in manifest.streams.values())),
        f"{manifest.archive.bytes / 1e6:.1f}",
        counts.task,
    )


def _catalogue_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    sizes = (f"{row['seconds'] or 0:.1f}", str(row["frames_lost"] or 0), f"{(row['bytes'] or 0) / 1e6:.1f}")
    decision = row["decision"] + (_BY_PEOPLE if row["reviewer"] is not None else "")
    return (row["episode"], row["robot"], decision, str(row["steps"] or 0), *sizes, row["task"])


def _stream_row(name: str, entry: StreamEntry) -> tuple[str, ...]:
    ledger = entry.ledger
    counts = (ledger.sent, ledger.written, ledger.lost, ledger.duplicates, ledger.dead)
    return (name, entry.kind, *map(str, counts), *_skew_ms(entry.timing))


def _sums_row(name: str, sums: Sums, causes: Sequence[str]) -> tuple[str, ...]:
    lost = (sums.lost[cause] for cause in causes)
    return (name, *map(str, (sums.streams, sums.sent, sums.written, *lost, sums.duplicates, sums.dead)))


def _skew_ms(timing: StreamTiming | None) -> tuple[str, str]:
    if timing is None:
        return "", ""
    return f"{timing.skew_p50_ns / _NS_PER_MS:.2f}", f"{timing.skew_p99_ns / _NS_PER_MS:.2f}"


def _waits(manifest: Manifest) -> str:
    hold = f"held {manifest.hold_p50_ns / _NS_PER_MS:.0f} ms, {manifest.hold_p99_ns / _NS_PER_MS:.0f} at p99"
    return f"{manifest.complete_steps} complete, {hold}, {manifest.deadline_steps} at the deadline"


def _clock_row(name: str, timing: StreamTiming | None) -> tuple[str, ...] | None:
    if timing is None:
        return None
    times_ns = (timing.clock_offset_ns, timing.clock_residual_ns)
    offset, bound = (f"{ns / _NS_PER_MS:.3f}" for ns in times_ns)
    delays = (f"{ns / _NS_PER_MS:.2f}" for ns in (timing.delay_p50_ns, timing.delay_p99_ns))
    jitter = f"{100 * timing.jitter_sigma_share:.1f}"
    ppm = f"{timing.clock_rate_ppm:.1f}"
    return (name, timing.clock_source, offset, bound, ppm, str(timing.clock_steps), *delays, jitter, str(timing.late))


def _clauses(manifest: Manifest) -> list[Clause]:
    return conformance([Measure(entry.ledger, entry.timing) for _, entry in sorted(manifest.streams.items())])


def _clause_line(clause: Clause) -> str:
    share = clause.unit.startswith("of ")
    shown = [f"{100 * v:.2g} %" if share else f"{v:.3g}" for v in (clause.value, clause.limit) if v is not None]
    limit = f"limit {shown[-1]} {clause.unit}"
    found = f"{shown[0]}, {limit}, {clause.stream}" if clause.value is not None else limit
    return f"  {clause.name:17} {clause.outcome:15} {found}{': ' if clause.note else ''}{clause.note}"


def _reason_line(reason: Reason) -> str:
    where = f" {reason.stream}" if reason.stream else ""
    return f"{reason.severity}: {reason.code}{where}: {reason.text}"


def _review_line(review: Review) -> str:
    said = [review.decision, f"task: {review.task}" if review.task else "", review.note]
    return f"{review.reviewer}, {_utc(review.reviewed_ns)}: {'; '.join(filter(None, said))}"


def _loss_lines(manifest: Manifest) -> Iterator[str]:
    for name, entry in sorted(manifest.streams.items()):
        ranges = entry.ledger.missing
        yield from (f"  {name} {_range_text(one)}" for one in ranges[:_RANGES_SHOWN])
        if len(ranges) > _RANGES_SHOWN:
            yield f"  {name} and {len(ranges) - _RANGES_SHOWN} more ranges: see --json"


def _range_text(lost: SeqRange) -> str:
    last = lost.first + lost.count - 1
    frames = f"frame {lost.first}" if lost.count == 1 else f"frames {lost.first}..{last}"
    return f"{frames}: {lost.cause}"


def _seconds(manifest: Manifest) -> float:
    return (manifest.stopped_ns - manifest.started_ns) / _NS_PER_S


def _utc(time_ns: int) -> str:
    try:
        return f"{datetime.fromtimestamp(time_ns // _NS_PER_S, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{time_ns} ns"


def plain_text(lines: Iterable[str]) -> str:
    """Names and tasks come from outside: what could move the cursor is shown as `?`."""
    return "\n".join("".join(letter if letter.isprintable() else "?" for letter in line) for line in lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: set[int]) -> list[str]:
    """Columns as wide as their widest cell; what is beyond the 100th column is cut off with dots."""
    cells = [head, *rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    return [_line(row, widths, right) for row in cells]


def _line(row: Sequence[str], widths: Sequence[int], right: set[int]) -> str:
    cells = [
        cell.rjust(width) if n in right else cell.ljust(width)
        for n, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    line = "  ".join(cells).rstrip()
    return line if len(line) <= COLUMNS else line[: COLUMNS - 3] + "..."
