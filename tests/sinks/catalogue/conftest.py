from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from saltwell.contracts.results import Review
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.commit import commit
from sinks.episodes.manifest import Manifest
from sinks.store import Store

Finish = Callable[..., Manifest]


@pytest.fixture
def finish(make_take: Callable[..., Any]) -> Finish:
    """Brings an episode into a store; `changes` are those of its manifest."""
    take = make_take(frames=8, image_bytes=100)

    def finish(store: Store, episode: str, *, source: Mapping[str, str] | None = None, **changes: Any) -> Manifest:
        provenance = replace(take.manifest.provenance, source=source or {})
        manifest = replace(take.manifest, episode=episode, provenance=provenance, **changes)
        commit(store, manifest, take.file)
        return manifest

    return finish


@pytest.fixture
def review_of() -> Callable[..., Review]:
    def review_of(episode: str, decision: str = "accept", *, at_ns: int = 1_000, **more: str) -> Review:
        said = {"reviewer": "ana", "task": "", "note": ""} | more
        return Review("zigong", "g1-99", episode, reviewed_ns=at_ns, decision=decision, **said)

    return review_of


@pytest.fixture
def catalogued() -> Callable[[Store], Catalogue]:
    """The catalogue of a store, with all that the store holds."""

    def catalogued(store: Store) -> Catalogue:
        catalogue = Catalogue(store)
        catalogue.create()
        catalogue.add_missing(lambda: None)
        return catalogue

    return catalogued


@pytest.fixture
def names() -> Callable[[Store], list[str]]:
    """Episodes in the catalogue of a store; one that is there twice is named twice."""

    def names(store: Store) -> list[str]:
        catalogue = Catalogue(store)
        assert catalogue.read()
        return sorted(catalogue.episodes.dataset().to_table(["episode"])["episode"].to_pylist())

    return names
