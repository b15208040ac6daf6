"""Records as JSON text and back: the same record gives the same bytes, and nothing unexpected is let in."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from saltwell.errors import SkipRecordError

T = TypeVar("T")

_RECORD = object()


def canonical(value: Any) -> bytes:
    """For files that people read: sorted keys, two spaces, a final newline."""
    text = json.dumps(_plain(value), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def compact(value: Any) -> bytes:
    """For messages: sorted keys, no spaces."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def parse(data: bytes, what: str) -> Any:
    """JSON text as dicts, lists and numbers; SkipRecordError naming `what` when it is none."""
    try:
        return json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SkipRecordError(f"{what} is no JSON: {error}") from error


def typed(cls: type[T], value: Any, what: str) -> T:
    """The dataclass behind parsed JSON.

    Sequences become tuples; null becomes NaN where a float stands. SkipRecordError naming the place when anything
    is missing, too much or of another type.
    """
    try:
        result: T = _typed(cls, value, what)
    except OverflowError as error:
        raise SkipRecordError(f"{what} has a number without measure: {error}") from error
    return result


def _plain(value: Any) -> Any:
    """Dicts, lists and numbers; null for numbers that JSON has no word for."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _typed(hint: Any, value: Any, where: str) -> Any:
    origin, args = _shape(hint)
    if origin is _RECORD:
        return _record(hint, value, where)
    if origin in (tuple, Sequence):
        _expect(isinstance(value, list), "a list", value, where)
        return tuple(_typed(args[0], item, f"{where}[{n}]") for n, item in enumerate(value))
    if origin is Mapping:
        _expect(isinstance(value, dict), "an object", value, where)
        return {_scalar(str, key, where): _typed(args[1], item, f"{where}[{key!a}]") for key, item in value.items()}
    if origin is Literal:
        _expect(value in args, f"one of {', '.join(args)}", value, where)
        return value
    if origin is UnionType and NoneType in args:
        return None if value is None else _typed(args[0], value, where)
    return value if hint is Any else _scalar(hint, value, where)  # Any: what others define, and we only hand on


def _record(cls: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), "an object", value, where)
    hints = _hints(cls)
    if odd := value.keys() ^ hints.keys():
        raise SkipRecordError(f"{where} lacks or has too much: {ascii(sorted(odd))[:200]}")
    return cls(**{name: _typed(hints[name], item, f"{where}.{name}") for name, item in value.items()})


@cache  # what is found out about types takes two thirds of the time of reading a manifest
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


@cache
def _shape(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return (_RECORD, ()) if is_dataclass(hint) else (get_origin(hint), get_args(hint))


def _scalar(kind: type, value: Any, where: str) -> Any:
    if kind is float:
        _expect(value is None or type(value) in (int, float), "a number", value, where)
        return math.nan if value is None else float(value)
    # bool is an int in Python and none in JSON
    _expect(type(value) is kind, kind.__name__, value, where)
    if kind is int:
        _expect(-(2**63) <= value < 2**63, "a number of 64 bits", value, where)
    if kind is str:
        # "\\ud800" is JSON, and no text
        _expect(value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value), "text", value, where)
    return value


def _expect(fits: bool, wanted: str, value: Any, where: str) -> None:  # noqa: FBT001 # reads as a sentence
    if not fits:
        raise SkipRecordError(f"{where} is {ascii(value)[:60]}, not {wanted}")
