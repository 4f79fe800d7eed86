"""From the text of a formula to its outcome, population-level part and group-level terms.

Forms of a group-level term: ``(1 | g)``, ``(x | g)``, ``(0 + x | g)``, ``(x || g)``, ``(1 | a/b)``,
``(1 | a:b)`` and, with an ID that correlates terms of several predictors, ``(1 | c | g)``.
"""

from __future__ import annotations

from hmlm.formula.expression import Bars, Binary, Name, Node, Number, Paren, Sum, Tilde, Unary
from hmlm.formula.parser import parse
from hmlm.formula.terms import check_terms
from hmlm.types import GroupTerm, PredictorFormula

EXAMPLE = "y ~ 1 + x + (1 + x | group)"


def parse_formula(text: str) -> tuple[Node | None, PredictorFormula]:
    """Left side (None in ``"~ x"``) and predictor of a formula.

    Raises:
        FormulaError: with the position, where the text is no formula.
    """
    return formula_of(parse(text))


def formula_of(node: Node) -> tuple[Node | None, PredictorFormula]:
    """As :func:`parse_formula`, of a text that was read already."""
    if not isinstance(node, Tilde):
        raise node.place.error(f"there is no `~` in `{node}`; a formula reads `{EXAMPLE}`")
    return node.left, predictor_of(node.right)


def predictor_of(node: Node) -> PredictorFormula:
    """Split a right-hand side into its population-level part and its group-level terms."""
    signed = _signed_terms(node)
    groups = tuple(g for sign, term in signed for g in _group_terms(sign, term))
    population = _joined([(sign, term) for sign, term in signed if _bars_of(term) is None])
    if population is None:
        return PredictorFormula("1", groups, str(node))
    check_terms(population)
    return PredictorFormula(str(population), groups, str(node))


def _signed_terms(node: Node) -> list[tuple[str, Node]]:
    return [("+", node.first), *node.rest] if isinstance(node, Sum) else [("+", node)]


def _joined(signed: list[tuple[str, Node]]) -> Node | None:
    """The sum of what remains, None of nothing."""
    if not signed:
        return None
    (sign, first), *rest = signed
    head = Unary(first.place, sign, first) if sign == "-" else first
    return Sum(head.place, head, tuple(rest)) if rest else head


def _bars_of(node: Node) -> Bars | None:
    """What is inside the parentheses of a group-level term, None of any other term."""
    return node.inner if isinstance(node, Paren) and isinstance(node.inner, Bars) else None


def _group_terms(sign: str, node: Node) -> list[GroupTerm]:
    """The terms that ``(expression | label | factors)`` stands for, one for each factor of ``a/b``."""
    bars = _bars_of(node)
    if bars is None:
        return []
    if sign == "-":
        raise node.place.error(f"`{node}` cannot be subtracted; leave the group-level term out")
    expression, label, factors, correlated = _group_parts(bars)
    check_terms(expression)
    return [GroupTerm(str(expression), columns, label, correlated) for columns in _factors(factors)]


def _group_parts(bars: Bars) -> tuple[Node, str | None, Node, bool]:
    match bars:
        case Bars(parts=(expression, factors)):
            return expression, None, factors, bars.bars == ("|",)
        case Bars(parts=(expression, label, factors), bars=("|", "|")):
            return expression, _label(label), factors, True
        case Bars(parts=(_, _, _)):
            raise bars.place.error(
                f"`({bars})`: terms that share an ID are correlated: write `|` twice, or `||` without an ID"
            )
    raise bars.place.error(f"`({bars})` has too many bars; the form is (expression | ID | group)")


def _label(node: Node) -> str:
    if isinstance(node, Name | Number):
        return node.text
    raise node.place.error(
        f"`{node}` is no ID; between two bars stands a name or a number, as in (1 | c | group)"
    )


def _factors(node: Node) -> list[tuple[str, ...]]:
    """Columns of each grouping factor: ``a/b`` gives ``(a,)`` and ``(a, b)``."""
    match node:
        case Name(text=text):
            return [(text,)]
        case Paren(inner=inner):
            return _factors(inner)
        case Binary(operator=":", left=left, right=right):
            return [_interaction(a, b) for a in _factors(left) for b in _factors(right)]
        case Binary(operator="/", left=left, right=right):
            outer = _factors(left)
            return [*outer, *(_interaction(outer[-1], inner) for inner in _factors(right))]
    raise node.place.error(_bad_factor(node))


def _interaction(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*a, *b)))


def _bad_factor(node: Node) -> str:
    return (
        f"`{node}` is no grouping factor; right of the last bar stand columns joined by `:` or `/`, "
        "as in (1 | school), (1 | school:class) or (1 | school/class)"
    )
