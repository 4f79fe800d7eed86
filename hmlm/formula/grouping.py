"""brms's ``gr(id, by = sex, cov = A, cor = FALSE, id = "c")`` and ``mm(a, b, weights = cbind(v, w))``."""

from __future__ import annotations

from typing import NamedTuple

from hmlm.formula.expression import CONSTANTS, Argument, Call, Name, Node, Number, Text, truth_of
from hmlm.formula.quantity import check_quantity
from hmlm.types import MultiMembership

GROUP = "gr"
OPTIONS = ("by", "cor", "id", "cov")
MULTIPLE = "mm"
OF_MULTIPLE = ("weights", "scale", "cor", "id")


class Grouping(NamedTuple):
    """Right of the last bar: the factor, its by-variable, the label, whether effects correlate, and the name
    of the known covariance between levels."""

    factor: Node
    by: str | None = None
    label: str | None = None
    correlated: bool = True
    cov: str | None = None
    columns: tuple[str, ...] = ()
    multiple: MultiMembership | None = None


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
            by, cov = _by(node, options.get("by")), _cov(node, options.get("cov"))
            if by is not None and cov is not None:
                raise node.place.error(f"`{node}`: by and cov together are not available; write one of them")
            label, correlated = _label(node, options.get("id")), _flag(node, options.get("cor"), "cor")
            return Grouping(first.value, by, label, correlated, cov)
        case Call(function=function) if function == MULTIPLE:
            return _multiple(node)
    return Grouping(node)


def _multiple(node: Call) -> Grouping:
    """What ``mm(…)`` says."""
    members = [argument.value for argument in node.arguments if argument.name is None]
    options = {argument.name: argument for argument in node.arguments if argument.name is not None}
    if len(members) + len(options) < len(node.arguments) or not set(options) <= set(OF_MULTIPLE):
        return Grouping(node)
    columns = tuple(member.text for member in members if isinstance(member, Name))
    if len(columns) < max(len(members), 2) or len(set(columns)) < len(columns):
        raise node.place.error(f"`{node}`: mm takes two columns or more, each once, as in (1 | mm(a, b))")
    return Grouping(
        node,
        label=_label(node, options.get("id")),
        correlated=_flag(node, options.get("cor"), "cor"),
        columns=columns,
        multiple=MultiMembership(
            _weights(node, options.get("weights"), len(columns)), _flag(node, options.get("scale"), "scale")
        ),
    )


def _weights(node: Call, said: Argument | None, n_members: int) -> tuple[str, ...]:
    if said is None or _is_null(said.value):
        return ()
    bound = said.value
    if not isinstance(bound, Call) or bound.function != "cbind" or len(bound.arguments) != n_members:
        raise said.place.error(
            f"`{node}`: weights takes as many columns as there are memberships, weights = cbind(v, w)"
        )
    for argument in bound.arguments:
        check_quantity(argument.value)
    return tuple(str(argument.value) for argument in bound.arguments)


def _by(node: Node, said: Argument | None) -> str | None:
    if said is None or _is_null(said.value):
        return None
    if not isinstance(said.value, Name) or said.value.text in CONSTANTS:
        raise said.place.error(f"`{node}`: by takes one column, as in gr(id, by = sex)")
    return said.value.text


def _cov(node: Node, said: Argument | None) -> str | None:
    if said is None or _is_null(said.value):
        return None
    if not isinstance(said.value, Name) or said.value.text in CONSTANTS:
        raise said.place.error(
            f'`{node}`: cov takes the name of a matrix in data2, as in gr(id, cov = A) with data2={{"A": …}}'
        )
    return said.value.text


def _label(node: Node, said: Argument | None) -> str | None:
    if said is None or _is_null(said.value):
        return None
    if not isinstance(said.value, Name | Text | Number):
        raise said.place.error(f'`{node}`: id takes a label, as in gr(id, id = "c"), which is (1 | c | id)')
    return said.value.text


def _flag(node: Node, said: Argument | None, option: str) -> bool:
    value = True if said is None else truth_of(said.value)
    if value is None:
        raise node.place.error(f"`{node}`: {option} is TRUE or FALSE")
    return value


def _is_null(node: Node) -> bool:
    return isinstance(node, Name) and node.text in ("NULL", "NA")
