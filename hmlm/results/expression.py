"""Arithmetic on parameters written as text: ``exp(sigma_Intercept) - 2*steps.pm:steps.pmd``.

The text is cut into words of a fixed vocabulary, every name replaced by a number of ours, and only then read
by Python's parser; nothing is ever evaluated but the operations and functions listed here.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from hmlm.spec.hint import did_you_mean, point_at
from hmlm.types import HmlmError

WORD = re.compile(
    r"""
      (?P<skip>     \s+ )
    | (?P<number>   (?: \d+\.?\d* | \.\d+ ) (?: [eE][+-]?\d+ )? (?![\w.]) )
    | (?P<name>     (?: [^\W\d] | \.(?!\d) ) [\w.]* (?: :[\w.]+ )* (?: \[ [^\[\]\n]* \] )? )
    | (?P<quoted>   `[^`\n]+` )
    | (?P<relation> [<>=!]+ )
    | (?P<operator> \*\* | [-+*/^()] )
    """,
    re.VERBOSE,
)
LONGEST = 2000
DEEPEST = 200
RELATIONS = ("=", "<", ">")
OPERATORS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
FUNCTIONS: dict[str, Callable] = {
    **{name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "abs")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tanh")},
    "atanh": np.arctanh,
    "logit": logit,
    **dict.fromkeys(("plogis", "inv_logit", "expit"), expit),
}


@dataclass(frozen=True)
class Word:
    """One word of the text, ``kind`` a group of :data:`WORD`, at position ``start``."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True)
class Expression:
    """What was written, the parameters in it, and its tree, in which parameter ``i`` is called ``_i``."""

    text: str
    names: tuple[str, ...]
    tree: ast.expr

    def evaluate(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """The expression at draws of its parameters, arrays of one shape; NaN where it is undefined."""
        with np.errstate(all="ignore"):
            return np.asarray(_evaluate(self.tree, [np.asarray(values[name], float) for name in self.names]))


def parse(text: str) -> Expression:
    """Read one expression.

    Raises:
        HmlmError: not arithmetic on parameters; the message points at the place.
    """
    words = _words(text)
    for word in words:
        if word.kind == "relation":
            raise _error(text, word.start, f"`{word.text}` has no place in an expression")
    return _expression(text, words)


def parse_relation(text: str) -> tuple[Expression, str, Expression]:
    """Read ``left < right``: both sides and the sign between them, one of ``= < >``.

    Raises:
        HmlmError: not exactly one sign, or a side that is not arithmetic on parameters.
    """
    words = _words(text)
    signs = [i for i, word in enumerate(words) if word.kind == "relation"]
    if len(signs) != 1:
        raise HmlmError(f"`{text}`: a hypothesis has one of = < > in it, as in 'x > 0'")
    at = signs[0]
    sign = words[at]
    if sign.text not in RELATIONS:
        raise _error(text, sign.start, f"`{sign.text}` is not one of = < >")
    return _expression(text, words[:at]), sign.text, _expression(text, words[at + 1 :])


def _words(text: str) -> list[Word]:
    if len(text) > LONGEST:
        raise HmlmError(f"`{text[:30]}…`: an expression has at most {LONGEST} characters")
    words, start = [], 0
    while start < len(text):
        found = WORD.match(text, start)
        if found is None:
            raise _error(text, start, "cannot be read from here; put unusual names in back quotes")
        if found.lastgroup != "skip":
            words.append(Word(str(found.lastgroup), found.group(), start))
        start = found.end()
    return words


def _expression(whole: str, words: list[Word]) -> Expression:
    if not words:
        raise HmlmError(f"`{whole}`: nothing to compute, or only on one side")
    names: list[str] = []
    calls = [word.text == "(" for word in words[1:]] + [False]
    parts = [_python(whole, word, is_call, names) for word, is_call in zip(words, calls, strict=True)]
    text = whole[words[0].start : words[-1].start + len(words[-1].text)]
    try:
        tree = ast.parse(" ".join(parts), mode="eval").body
        _check(whole, tree, DEEPEST)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise HmlmError(f"`{text}` cannot be read: two values without a sign, or open brackets?") from error
    return Expression(text, tuple(names), tree)


def _python(whole: str, word: Word, is_call: bool, names: list[str]) -> str:
    """Python's text of a word; parameters are appended to ``names``."""
    if word.kind == "number":
        return repr(float(word.text))
    if word.kind == "operator":
        return "**" if word.text == "^" else word.text
    if word.kind == "name" and is_call:
        return _function(whole, word)
    name = word.text.strip("`")
    if name not in names:
        names.append(name)
    return f"_{names.index(name)}"


def _function(whole: str, word: Word) -> str:
    if word.text not in FUNCTIONS:
        hint = did_you_mean(word.text, FUNCTIONS) or f"; there are {', '.join(FUNCTIONS)}"
        raise _error(whole, word.start, f"no function {word.text!r}{hint}")
    return word.text


def _check(whole: str, node: ast.expr, depth: int) -> None:
    """Refuse a tree that holds anything but arithmetic, or is deeper than ``depth``."""
    if depth == 0:
        raise HmlmError(f"`{whole[:30]}…` has more than {DEEPEST} operations within each other")
    match node:
        case ast.BinOp(left, sign, right) if type(sign) in OPERATORS:
            _check(whole, left, depth - 1)
            _check(whole, right, depth - 1)
        case ast.UnaryOp(sign, operand) if type(sign) in OPERATORS:
            _check(whole, operand, depth - 1)
        case ast.Call(ast.Name(name), [argument], []) if name in FUNCTIONS:
            _check(whole, argument, depth - 1)
        case ast.Constant(float()):
            pass
        case ast.Name(name) if name.startswith("_"):
            pass
        case _:
            raise HmlmError(f"`{whole}`: only + - * / ^ and functions of one argument can be computed")


def _evaluate(node: ast.expr, values: list[np.ndarray]) -> np.ndarray:
    match node:
        case ast.BinOp(left, sign, right):
            return OPERATORS[type(sign)](_evaluate(left, values), _evaluate(right, values))
        case ast.UnaryOp(sign, operand):
            return OPERATORS[type(sign)](_evaluate(operand, values))
        case ast.Call(ast.Name(name), [argument]):
            return FUNCTIONS[name](_evaluate(argument, values))
        case ast.Constant(number):
            return np.asarray(number)
        case ast.Name(name):
            return values[int(name.removeprefix("_"))]
    raise TypeError(f"unchecked node {node!r}")


def _error(text: str, position: int, message: str) -> HmlmError:
    return point_at(text, position, message, HmlmError)
