"""brms's ``gr(id, by = sex, cor = FALSE, id = "c")``: what is said of a grouping factor."""

from __future__ import annotations

from typing import NamedTuple

from hmlm.formula.expression import CONSTANTS, Argument, Call, Name, Node, Number, Text, truth_of

GROUP = "gr"
OPTIONS = ("by", "cor", "id")


class Grouping(NamedTuple):
    """Right of the last bar: the factor, its by-variable, the label and whether effects correlate."""

    factor: Node
    by: str | None = None
    label: str | None = None
    correlated: bool = True


def grouping_of(node: Node) -> Grouping:
    """What ``gr(…)`` says; any other node is the factor itself.

    Raises:
        FormulaError: an option that is no column, no TRUE or FALSE, or no text; other options are left to
            the refusal of unavailable syntax.
    """
    match node:
        case Call(function=function, arguments=(first, *rest)) if function == GROUP and not first.name:
            options = {argument.name: argument for argument in rest}
            if len(options) < len(rest) or not set(options) <= set(OPTIONS):
                return Grouping(node)
            return Grouping(
                first.value,
                _by(node, options.get("by")),
                _label(node, options.get("id")),
                _correlated(node, options.get("cor")),
            )
    return Grouping(node)


def _by(node: Node, said: Argument | None) -> str | None:
    if said is None or _is_null(said.value):
        return None
    if not isinstance(said.value, Name) or said.value.text in CONSTANTS:
        raise said.place.error(f"`{node}`: by takes one column, as in gr(id, by = sex)")
    return said.value.text


def _label(node: Node, said: Argument | None) -> str | None:
    if said is None or _is_null(said.value):
        return None
    if not isinstance(said.value, Name | Text | Number):
        raise said.place.error(f'`{node}`: id takes a label, as in gr(id, id = "c"), which is (1 | c | id)')
    return said.value.text


def _correlated(node: Node, said: Argument | None) -> bool:
    value = True if said is None else truth_of(said.value)
    if value is None:
        raise node.place.error(f"`{node}`: cor is TRUE or FALSE")
    return value


def _is_null(node: Node) -> bool:
    return isinstance(node, Name) and node.text in ("NULL", "NA")
