"""The words of R's formula language: names, numbers, strings and operators."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hmlm.formula.place import Place

_PATTERN = re.compile(
    r"""
      (?P<skip>    (?: \s | \#[^\n]* )+ )
    | (?P<number>  (?: \d+\.?\d* | \.\d+ ) (?: [eE][+-]?\d+ )? L? )
    | (?P<name>    (?: [^\W\d] | _ | \.(?!\d) ) [\w.]* )
    | (?P<quoted>  `[^`\n]+` )
    | (?P<string>  "[^"\n\\]*" | '[^'\n\\]*' )
    | (?P<operator> \|\| | \*\* | [-~|+*/:^(),=] )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """One word.

    Attributes:
        kind: ``number``, ``name``, ``string``, ``operator`` or ``end``.
        text: the word, without the quotes of a string or a back-quoted name.
        place: where it starts.
    """

    kind: str
    text: str
    place: Place

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"`{self.text}`"


def tokenize(source: str) -> list[Token]:
    """Words of ``source``, white space and R comments left out, an ``end`` token last.

    Raises:
        FormulaError: at a character that has no meaning in a formula.
    """
    tokens, offset = [], 0
    while offset < len(source):
        match = _PATTERN.match(source, offset)
        if match is None:
            raise _unreadable(Place(source, offset))
        if match.lastgroup != "skip":
            tokens.append(_token(str(match.lastgroup), match.group(), Place(source, offset)))
        offset = match.end()
    return [*tokens, Token("end", "", Place(source, len(source.rstrip())))]


def _token(kind: str, text: str, place: Place) -> Token:
    match kind:
        case "quoted":
            return Token("name", text[1:-1], place)
        case "string":
            return Token("string", text[1:-1], place)
        case "operator" if text == "**":
            return Token("operator", "^", place)
    return Token(kind, text, place)


def _unreadable(place: Place) -> Exception:
    character = place.source[place.offset]
    return place.error(
        f"`{character}` has no meaning in a formula; allowed are names, numbers, function calls and "
        "+ - * / : ^ | ~ ( ); quote a column with an unusual name in back quotes"
    )
