"""A place in the text of a formula, for errors that point at it."""

from __future__ import annotations

from dataclasses import dataclass

from hmlm.types import FormulaError


@dataclass(frozen=True)
class Place:
    """Where in ``source`` something starts.

    Attributes:
        source: the text as the user wrote it, several lines perhaps.
        offset: position of the first character, from 0.
    """

    source: str
    offset: int

    def error(self, message: str) -> FormulaError:
        """``message`` with the line and a caret under the place; to be raised by the caller."""
        line, column = self._line()
        return FormulaError(f"{message}\n    {line}\n    {' ' * column}^")

    def _line(self) -> tuple[str, int]:
        """The line that holds the place, and the column within it."""
        start = self.source.rfind("\n", 0, self.offset) + 1
        end = self.source.find("\n", self.offset)
        line = self.source[start : end if end >= 0 else None].replace("\t", " ")
        return line, self.offset - start
