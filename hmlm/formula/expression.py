"""Expressions of a formula as a tree, and the text that R prints for one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hmlm.formula.place import Place

_PLAIN_NAME = re.compile(r"(?:[^\W\d]|\.(?!\d))[\w.]*")
_SPACED = frozenset("*")


@dataclass(frozen=True)
class Node:
    """Any expression; ``place`` is where it starts in the text and does not count in comparisons."""

    place: Place = field(compare=False, repr=False)


@dataclass(frozen=True)
class Name(Node):
    """A column or one of R's constants."""

    text: str

    def __str__(self) -> str:
        return self.text if _PLAIN_NAME.fullmatch(self.text) else f"`{self.text}`"


@dataclass(frozen=True)
class Number(Node):
    """A number as written, ``2`` or ``1e-3``."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Text(Node):
    """A string, only ever an argument."""

    text: str

    def __str__(self) -> str:
        return f'"{self.text}"'


@dataclass(frozen=True)
class Unary(Node):
    """``-x`` or ``+x``."""

    operator: str
    operand: Node

    def __str__(self) -> str:
        return f"{self.operator}{self.operand}"


@dataclass(frozen=True)
class Binary(Node):
    """``x * z``, ``x:z``, ``x/z`` or ``x^2``."""

    operator: str
    left: Node
    right: Node

    def __str__(self) -> str:
        operator = f" {self.operator} " if self.operator in _SPACED else self.operator
        return f"{self.left}{operator}{self.right}"


@dataclass(frozen=True)
class Sum(Node):
    """``first + x - z``: the first term and then pairs of a sign and a term."""

    first: Node
    rest: tuple[tuple[str, Node], ...]

    def __str__(self) -> str:
        return f"{self.first}" + "".join(f" {sign} {term}" for sign, term in self.rest)


@dataclass(frozen=True)
class Paren(Node):
    """An expression in parentheses."""

    inner: Node

    def __str__(self) -> str:
        return f"({self.inner})"


@dataclass(frozen=True)
class Bars(Node):
    """``1 + x | label | group``: the parts and the bars between them (``|`` or ``||``)."""

    parts: tuple[Node, ...]
    bars: tuple[str, ...]

    def __str__(self) -> str:
        tail = zip(self.bars, self.parts[1:], strict=True)
        return f"{self.parts[0]}" + "".join(f" {bar} {part}" for bar, part in tail)


@dataclass(frozen=True)
class Tilde(Node):
    """``y ~ x``; ``left`` is None in ``~ x``."""

    left: Node | None
    right: Node

    def __str__(self) -> str:
        return f"{self.left} ~ {self.right}" if self.left is not None else f"~{self.right}"


@dataclass(frozen=True)
class Argument(Node):
    """``value`` or ``name = value`` in a call."""

    name: str | None
    value: Node

    def __str__(self) -> str:
        return f"{self.name} = {self.value}" if self.name else f"{self.value}"


@dataclass(frozen=True)
class Call(Node):
    """``function(arguments)``."""

    function: str
    arguments: tuple[Argument, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


def children(node: Node) -> tuple[Node, ...]:
    """The expressions directly inside ``node``."""
    match node:
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Sum(first=first, rest=rest):
            return (first, *(term for _, term in rest))
        case Paren(inner=inner):
            return (inner,)
        case Bars(parts=parts):
            return parts
        case Tilde(left=left, right=right):
            return (right,) if left is None else (left, right)
        case Argument(value=value):
            return (value,)
        case Call(arguments=arguments):
            return arguments
    return ()


CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}


def truth_of(node: Node) -> bool | None:
    """The value of ``TRUE`` or ``FALSE``, None of anything else."""
    value = CONSTANTS.get(node.text) if isinstance(node, Name) else None
    return value if isinstance(value, bool) else None


def columns_of(node: Node) -> tuple[str, ...]:
    """Names of the columns that ``node`` uses, in order of first appearance.

    Of a call those of its first argument: the others are options.
    """
    if isinstance(node, Name):
        return () if node.text in CONSTANTS else (node.text,)
    parts = children(node)[:1] if isinstance(node, Call) else children(node)
    return tuple(dict.fromkeys(name for part in parts for name in columns_of(part)))
