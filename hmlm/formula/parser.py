"""Recursive descent over the words of a formula, with R's precedence.

From loosest to tightest: ``~``, ``|`` and ``||``, ``+ -``, ``* /``, ``:``, unary ``+ -``, ``^``.
"""

from __future__ import annotations

from collections.abc import Callable

from hmlm.formula.expression import (
    Argument,
    Bars,
    Binary,
    Call,
    Name,
    Node,
    Number,
    Paren,
    Sum,
    Text,
    Tilde,
    Unary,
)
from hmlm.formula.tokens import Token, tokenize
from hmlm.types import FormulaError

MAX_DEPTH = 30
MAX_CHAIN = 12


def parse(source: str) -> Node:
    """The expression that ``source`` states.

    Raises:
        FormulaError: with the position, where the text is no expression.
    """
    if not isinstance(source, str):
        raise FormulaError(
            f"a formula is text such as 'y ~ 1 + x + (1 | group)', not {type(source).__name__}"
        )
    tokens = tokenize(source)
    if len(tokens) == 1:
        raise FormulaError("the formula is empty; write for example 'y ~ 1 + x + (1 | group)'")
    return _Parser(tokens).whole()


class _Parser:
    """A cursor over the tokens; each method reads one construct and leaves the cursor behind it."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._cursor = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._tilde()
        if self._token.text == ")" and self._token.kind == "operator":
            raise self._token.place.error("`)` closes nothing: there is no `(` left open before it")
        if self._token.kind != "end":
            raise self._unexpected()
        return node

    @property
    def _token(self) -> Token:
        return self._tokens[self._cursor]

    def _at(self, *operators: str) -> bool:
        return self._token.kind == "operator" and self._token.text in operators

    def _take(self) -> Token:
        token = self._token
        self._cursor += 1
        return token

    def _tilde(self) -> Node:
        place = self._token.place
        left = None if self._at("~") else self._bars()
        if left is not None and not self._at("~"):
            return left
        self._take()
        right = self._bars()
        if self._at("~"):
            raise self._token.place.error("a formula has one `~`, between the outcome and its predictors")
        return Tilde(place, left, right)

    def _bars(self) -> Node:
        place, parts, bars = self._token.place, [self._sum()], []
        while self._at("|", "||"):
            bars.append(self._take().text)
            parts.append(self._sum())
        return Bars(place, tuple(parts), tuple(bars)) if bars else parts[0]

    def _sum(self) -> Node:
        place, first, rest = self._token.place, self._product(), []
        while self._at("+", "-"):
            rest.append((self._take().text, self._product()))
        return Sum(place, first, tuple(rest)) if rest else first

    def _product(self) -> Node:
        return self._chain(("*", "/"), self._interaction)

    def _interaction(self) -> Node:
        return self._chain((":",), self._unary)

    def _chain(self, operators: tuple[str, ...], read: Callable[[], Node]) -> Node:
        """Left-associative operators of one precedence; bounded, since ``*`` doubles the terms each time."""
        place, node, length = self._token.place, read(), 1
        while self._at(*operators):
            length += 1
            if length > MAX_CHAIN:
                raise self._token.place.error(f"more than {MAX_CHAIN} factors are joined in one term")
            node = Binary(place, self._take().text, node, read())
        return node

    def _unary(self) -> Node:
        if not self._at("+", "-"):
            return self._power()
        sign = self._take()
        return Unary(sign.place, sign.text, self._nested(self._unary, sign))

    def _power(self) -> Node:
        place, base = self._token.place, self._primary()
        if not self._at("^"):
            return base
        sign = self._take()
        return Binary(place, sign.text, base, self._nested(self._unary, sign))

    def _primary(self) -> Node:
        token = self._token
        match token.kind:
            case "number":
                return Number(self._take().place, token.text.removesuffix("L"))
            case "string":
                return Text(self._take().place, token.text)
            case "name":
                self._take()
                return self._call(token) if self._at("(") else Name(token.place, token.text)
        if self._at("("):
            return self._paren()
        raise self._missing_term()

    def _paren(self) -> Node:
        opening = self._take()
        inner = self._nested(self._tilde, opening)
        self._close(opening)
        return Paren(opening.place, inner)

    def _call(self, function: Token) -> Node:
        opening, arguments = self._take(), []
        while not self._at(")"):
            if arguments:
                self._comma(opening)
            arguments.append(self._nested(self._argument, opening))
        self._close(opening)
        return Call(function.place, function.text, tuple(arguments))

    def _argument(self) -> Argument:
        token, following = self._token, self._tokens[min(self._cursor + 1, len(self._tokens) - 1)]
        if token.kind != "name" or following.kind != "operator" or following.text != "=":
            return Argument(token.place, None, self._tilde())
        self._cursor += 2
        return Argument(token.place, token.text, self._tilde())

    def _nested(self, read: Callable[[], Node], opening: Token) -> Node:
        """What ``read`` reads, one level deeper; a bound on the depth keeps Python's stack safe."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise opening.place.error(f"the formula nests deeper than {MAX_DEPTH} levels")
        node = read()
        self._depth -= 1
        return node

    def _comma(self, opening: Token) -> None:
        if not self._at(","):
            raise self._not_closed(opening)
        self._take()

    def _close(self, opening: Token) -> None:
        if not self._at(")"):
            raise self._not_closed(opening)
        self._take()

    def _not_closed(self, opening: Token) -> FormulaError:
        if self._token.kind == "end":
            return opening.place.error("`(` is never closed; add the missing `)`")
        return self._unexpected()

    def _unexpected(self) -> FormulaError:
        before = self._tokens[self._cursor - 1]
        return self._token.place.error(
            f"an operator such as `+` is missing between {before} and {self._token}"
        )

    def _missing_term(self) -> FormulaError:
        if self._token.kind == "end":
            opened = self._open_parenthesis()
            return (
                opened.place.error("`(` is never closed; add the missing `)`") if opened else self._nothing()
            )
        if self._cursor == 0:
            return self._token.place.error(f"a term is missing before {self._token}")
        before = self._tokens[self._cursor - 1]
        return self._token.place.error(f"a term is missing between {before} and {self._token}")

    def _nothing(self) -> FormulaError:
        return self._token.place.error(f"the formula ends where a term must follow {self._tokens[-2]}")

    def _open_parenthesis(self) -> Token | None:
        """The innermost parenthesis that is open at the cursor."""
        opened = []
        for token in self._tokens[: self._cursor]:
            if token.kind == "operator" and token.text == "(":
                opened.append(token)
            elif token.kind == "operator" and token.text == ")" and opened:
                opened.pop()
        return opened[-1] if opened else None
