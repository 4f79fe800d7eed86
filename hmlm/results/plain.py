"""Frozen dataclasses of text and numbers as JSON, and back by their annotations. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import Enum, EnumType
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np


def to_json(value: Any) -> str:
    """JSON of a mapping or sequence of plain values and dataclasses; numbers come back exactly."""
    return json.dumps(value, default=_plain)


def decode(kind: Any, value: Any) -> Any:
    """The value of type ``kind`` that :func:`to_json` wrote, from what JSON makes of it.

    Fields that an older file lacks take their defaults.

    Raises:
        KeyError: a field that ``kind`` does not have, from a newer file.
    """
    if isinstance(kind, EnumType):
        return kind(value)
    if is_dataclass(kind):
        return _decode_fields(kind, value)
    args = get_args(kind)
    if get_origin(kind) is tuple:
        return _decode_tuple(args, value)
    if NoneType in args and value is not None:
        return decode(_of_union(args, value), value)
    return value


def _of_union(args: tuple[Any, ...], value: Any) -> Any:
    """Which of several types a value has that is not None: the dataclass if it has fields."""
    inner = [arg for arg in args if arg is not NoneType]
    return next((arg for arg in inner if is_dataclass(arg) == isinstance(value, Mapping)), inner[0])


def _decode_fields(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: decode(hints[name], part) for name, part in value.items()})


def _decode_tuple(args: tuple[Any, ...], value: list) -> Any:
    if args[-1] is Ellipsis:
        return tuple(decode(args[0], part) for part in value)
    return tuple(decode(kind, part) for kind, part in zip(args, value, strict=True))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _plain(value: Any) -> Any:
    """What :mod:`json` does not know: dataclasses, NumPy's numbers, mappings of other types."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")
