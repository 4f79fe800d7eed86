"""Calls as R writes them, read as text with positions: ``prior(normal(0, 1), class = b)``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hmlm.spec.hint import point_at

QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`\n]*`")
QUOTED_OR_COMMENT = re.compile(rf"({QUOTED.pattern})|#[^\n]*")
OPENING = re.compile(r"\s*(?:brms::)?([A-Za-z_][\w.]*)\s*\(")
NAMED = re.compile(r"\s*([A-Za-z.][\w.]*)\s*=(?!=)")


@dataclass(frozen=True)
class Argument:
    """One argument of a call: its name or ``""``, its text as pasted and where that starts."""

    name: str
    value: str
    start: int


@dataclass(frozen=True)
class Call:
    """``name(arguments)`` and where it starts in the text."""

    name: str
    arguments: tuple[Argument, ...]
    start: int


def blank_comments(text: str) -> str:
    """``text`` with R's comments replaced by blanks; positions stay."""
    return QUOTED_OR_COMMENT.sub(lambda found: found[1] or " " * len(found[0]), text)


def unquote(value: str) -> str:
    """The text of a quoted or bare value; a bare interaction loses its blanks, ``a : b``."""
    if QUOTED.fullmatch(value):
        return value[1:-1]
    return re.sub(r"\s*:\s*", ":", value)


def parse_call(text: str, start: int = 0, end: int | None = None) -> Call:
    """The call that fills ``text[start:end]``.

    Raises:
        PriorError: it is not ``name(...)``, brackets do not match or text follows the call.
    """
    stop = len(text) if end is None else end
    mask = _mask_quotes(text)
    opening = OPENING.match(mask, start, stop)
    if opening is None:
        raise point_at(text, _first_ink(text, start, stop), "expected a call like normal(0, 1)")
    close = _closing(text, mask, opening.end() - 1, stop)
    after = _first_ink(text, close + 1, stop)
    if after < stop:
        raise point_at(text, after, "unexpected text after the closing bracket")
    return Call(opening[1], _arguments(text, opening.end(), close), opening.start(1))


def split_top_level(text: str, start: int, end: int, separators: str) -> Iterator[tuple[int, int]]:
    """The pieces of ``text[start:end]`` between separators outside brackets and quotes."""
    depth, begin, mask = 0, start, _mask_quotes(text)
    for position in range(start, end):
        depth += _step(mask[position])
        if depth == 0 and mask[position] in separators:
            yield begin, position
            begin = position + 1
    yield begin, end


def _mask_quotes(text: str) -> str:
    return QUOTED.sub(lambda found: "_" * len(found[0]), text)


def _step(character: str) -> int:
    return (character == "(") - (character == ")")


def _first_ink(text: str, start: int, end: int) -> int:
    return end - len(text[start:end].lstrip())


def _closing(text: str, mask: str, opening: int, end: int) -> int:
    depth = 0
    for position in range(opening, end):
        depth += _step(mask[position])
        if depth == 0:
            return position
    raise point_at(text, opening, "this bracket is never closed")


def _arguments(text: str, start: int, end: int) -> tuple[Argument, ...]:
    if not text[start:end].strip():
        return ()
    return tuple(_argument(text, *piece) for piece in split_top_level(text, start, end, ","))


def _argument(text: str, start: int, end: int) -> Argument:
    named = NAMED.match(text, start, end)
    value_start = _first_ink(text, named.end() if named else start, end)
    if value_start == end:
        raise point_at(text, min(end, len(text) - 1), "an argument is missing here")
    return Argument(named[1] if named else "", text[value_start:end].rstrip(), value_start)
