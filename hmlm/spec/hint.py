"""What makes an error teach: the place in the text and the nearest valid word."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from hmlm.types import HmlmError, PriorError


def point_at(text: str, position: int, message: str, kind: type[HmlmError] = PriorError) -> HmlmError:
    """The error ``message`` with the line of ``text`` and a caret under ``position``."""
    begin = text.rfind("\n", 0, position) + 1
    line = text[begin:].partition("\n")[0]
    return kind(f"{message}\n  {line}\n  {' ' * (position - begin)}^")


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """``"; did you mean 'day'?"``, empty where nothing is near."""
    by_lower = {option.lower(): option for option in options}
    nearest = get_close_matches(word.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[nearest[0]]!r}?" if nearest else ""


def listed(options: Iterable[str]) -> str:
    """``'a', 'b'``: distinct options in order, quoted."""
    return ", ".join(repr(option) for option in dict.fromkeys(options))
