"""The few elements of MathML that formulas of models are made of; browsers set them without scripts.

A formula is text of elements, well-formed XML: ``sub(letter("β"), number(1))``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

SIDES = ("left", "center", "left")


class Equation(NamedTuple):
    """``left relation right``, where the right side is summands that may be broken into lines."""

    left: str
    relation: str
    terms: Sequence[str]


def element(name: str, *children: str, **attributes: str) -> str:
    """``<name a="b">children</name>``; children are elements already."""
    said = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{''.join(children)}</{name}>"


def letter(text: str) -> str:
    """An identifier, slanted where it is one letter."""
    return element("mi", escape(text))


def name(text: str) -> str:
    """Upright text: a column's name, a distribution's."""
    return element("mtext", escape(text))


def number(value: float) -> str:
    """A number with a true minus sign, ``2.5``, ``−0.3``."""
    text = f"{abs(value):g}"
    digits = element("mn", text)
    return row(sign("−"), digits) if value < 0 else digits


def sign(text: str) -> str:
    """An operator or relation."""
    return element("mo", escape(text))


def row(*parts: str) -> str:
    """Parts side by side."""
    return element("mrow", *parts)


def sub(base: str, index: str) -> str:
    """``base`` with an index."""
    return element("msub", base, index)


def sup(base: str, mark: str) -> str:
    """``base`` with a mark above."""
    return element("msup", base, mark)


def root(inside: str) -> str:
    """Square root."""
    return element("msqrt", inside)


def indexed(base: str, index: str, mark: str = "") -> str:
    """``base`` with an index and, unless it is empty, a mark."""
    return element("msubsup", base, index, mark) if mark else sub(base, index)


def times(coefficient: str, factor: str) -> str:
    """A coefficient before what it multiplies, if that is anything."""
    return row(coefficient, _space(), factor) if factor else coefficient


def over(base: str, accent: str) -> str:
    """``base`` under an accent, ``x̄``."""
    return element("mover", base, sign(accent), accent="true")


def joined(parts: Iterable[str], separator: str = ",") -> str:
    """Parts with commas between them."""
    listed = list(parts)
    between = [sign(separator), *([_space()] if separator == "," else [])]
    return row(*(piece for i, part in enumerate(listed) for piece in ([*between, part] if i else [part])))


def listed(symbols: Sequence[str]) -> str:
    """Symbols of a run, all of up to four, else the first two and the last: ``a, b, …, z``."""
    if len(symbols) <= 4:
        return joined(symbols)
    return joined([*symbols[:2], sign("…"), symbols[-1]])


def call(function: str, *arguments: str) -> str:
    """``function(a, b)``."""
    return row(function, sign("("), joined(arguments), sign(")"))


def column(parts: Sequence[str]) -> str:
    """A column vector."""
    return matrix([[part] for part in parts])


def matrix(rows: Sequence[Sequence[str]]) -> str:
    """A matrix; the style sheet draws its brackets, since few fonts can stretch theirs."""
    lines = (element("mtr", *(element("mtd", part) for part in parts)) for parts in rows)
    return element("mtable", *lines, **{"class": "vector"})


def display(equations: Iterable[Equation], described: str) -> str:
    """Equations under each other, aligned at their relations.

    Args:
        equations: the lines.
        described: what a screen reader that knows no mathematics says.
    """
    lines = [line for equation in equations for line in _lines(equation)]
    table = element("mtable", *lines, **{"class": "equations", "columnalign": " ".join(SIDES)})
    return element("math", table, display="block", **{"aria-label": described})


WIDEST = 90  # characters of a line


def _lines(equation: Equation) -> list[str]:
    """Rows of an equation, its summands broken where a row would be too wide."""
    lines, width = [[]], 0
    for term in equation.terms:
        size = _width(term) + 3
        if lines[-1] and width + size > WIDEST:
            lines, width = [*lines, []], 0
        lines[-1].append(term)
        width += size
    first, *others = [_sum(line, i > 0) for i, line in enumerate(lines)]
    return [_line(equation.left, sign(equation.relation), first), *(_line("", "", other) for other in others)]


def _sum(terms: Sequence[str], continued: bool) -> str:
    plus = element("mo", "+", form="infix")
    pieces = [piece for i, term in enumerate(terms) for piece in ([plus, term] if i or continued else [term])]
    return row(*pieces)


def _line(*cells: str) -> str:
    return element(
        "mtr", *(element("mtd", cell, **{"class": side}) for cell, side in zip(cells, SIDES, strict=True))
    )


def _width(term: str) -> int:
    """Characters of a term that are seen, roughly its width."""
    return len("".join(part.partition(">")[2] for part in term.split("<")))


def _space() -> str:
    return element("mspace", width="0.17em")
