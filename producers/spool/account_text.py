"""The account as text, as it stands at the begin of a segment. Pure."""

import json
from dataclasses import asdict
from typing import Any

from producers.spool.account import Accounts, EpisodeAccount, StreamAccount, lost_ranges
from saltwell.contracts.timeline import SeqRange, StreamEnded


def accounts_to_text(accounts: Accounts) -> str:
    """JSON of the open episodes; its size depends on the ranges that are lost, not on the length of the episode."""
    return json.dumps({"episodes": [_episode_to_json(e) for e in accounts.episodes.values()]})


def accounts_from_text(text: str) -> Accounts:
    """The open episodes again."""
    accounts = Accounts()
    for values in json.loads(text)["episodes"]:
        episode = _episode_from_json(values)
        accounts.episodes[episode.identity] = episode
    return accounts


def _episode_to_json(episode: EpisodeAccount) -> dict[str, Any]:
    return {
        "identity": episode.identity,
        "next_ordinal": episode.next_ordinal,
        "through_ns": episode.through_ns,
        "streams": {name: _stream_to_json(stream) for name, stream in episode.streams.items()},
    }


def _episode_from_json(values: dict[str, Any]) -> EpisodeAccount:
    site, robot, name = values["identity"]
    streams = {name: _stream_from_json(stream) for name, stream in values["streams"].items()}
    return EpisodeAccount((site, robot, name), values["next_ordinal"], values["through_ns"], streams)


def _stream_to_json(stream: StreamAccount) -> dict[str, Any]:
    return {
        "kind": stream.kind,
        "last": stream.last,
        "missing": list(lost_ranges(stream)),
        "unindexed": list(stream.unindexed.values()),
        "index_values": stream.index_values,
        "marker": asdict(stream.marker) if stream.marker else None,
        "ended": stream.ended,
    }


def _stream_from_json(values: dict[str, Any]) -> StreamAccount:
    missing = {seq: cause for first, count, cause in values["missing"] for seq in range(first, first + count)}
    return StreamAccount(
        kind=values["kind"],
        last=values["last"],
        missing=missing,
        unindexed={seq: (seq, captured, arrived) for seq, captured, arrived in values["unindexed"]},
        index_values=values["index_values"],
        marker=_marker_from_json(values["marker"]) if values["marker"] else None,
        ended=values["ended"],
    )


def _marker_from_json(values: dict[str, Any]) -> StreamEnded:
    return StreamEnded(**(values | {"missing": tuple(SeqRange(**lost) for lost in values["missing"])}))
