"""Columns as parquet, typed as LeRobot's reader expects: scalars, fixed-size lists, lists of lists."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.dataset.features import Column


def write_table(path: Path, columns: Mapping[str, Column]) -> None:
    """One row group; shape (n,) stands as fixed_size_list, more dimensions as nested lists."""
    arrays = {name: _array(column) for name, column in columns.items()}
    features = {name: _feature(column) for name, column in columns.items()}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(
        pa.table(arrays).replace_schema_metadata(metadata), path, compression="snappy", row_group_size=1 << 20
    )


def _array(column: Column) -> pa.Array:
    flat = pa.array(column.values.reshape(-1))
    if column.values.ndim == 1:
        return flat
    array = flat
    for size in reversed(column.values.shape[2:]):
        array = _lists(array, size)
    size = column.values.shape[1]
    return pa.FixedSizeListArray.from_arrays(array, size) if column.values.ndim == 2 else _lists(array, size)  # noqa: PLR2004


def _lists(array: pa.Array, size: int) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(range(0, len(array) + 1, size), pa.int32()), array)


def _feature(column: Column) -> dict[str, Any]:
    value = {"dtype": str(column.values.dtype), "_type": "Value"}
    match column.values.ndim:
        case 1:
            return value
        case 2:
            return {"feature": value, "length": column.values.shape[1], "_type": "Sequence"}
        case dimensions:
            return {"shape": list(column.values.shape[1:]), "dtype": value["dtype"], "_type": f"Array{dimensions - 1}D"}
