"""The catalogue for those who can do without: commands that else read every manifest."""

from typing import TYPE_CHECKING

from sinks.store import Store

if TYPE_CHECKING:
    from sinks.catalogue.catalogue import Catalogue


def catalogue_of(store: Store) -> "Catalogue | None":
    """The store's catalogue, looked at; None when it has none, or its libraries are not installed."""
    try:
        from sinks.catalogue.catalogue import Catalogue  # noqa: PLC0415 - a large library that not everybody has
    except ModuleNotFoundError:
        return None
    catalogue = Catalogue(store)
    return catalogue if catalogue.read() else None
