"""From the text of a formula to its outcome, population-level part and group-level terms.

Forms of a group-level term: ``(1 | g)``, ``(x | g)``, ``(0 + x | g)``, ``(x || g)``, ``(1 | a/b)``,
``(1 | a:b)`` and, with an ID that correlates terms of several predictors, ``(1 | c | g)``; glmmTMB's
``us(x | g)``, which is ``(x | g)``, and its ``diag(x | g)``, which is ``(x || g)``; brms's ``(1 | gr(g))``
and ``(1 | gr(g, by = sex))``, a covariance matrix for each sex; ``(1 | gr(g, cov = A))``, a known covariance
between levels; ``(1 | mm(a, b))``, rows that belong to several levels; glmmTMB's ``cs(0 + f | g)`` and
``hetar1(0 + f | g)``, correlations of one rho, and its ``homcs`` and ``ar1``, with one standard deviation.
"""

from __future__ import annotations

from hmlm.formula.advice import GROUPS, refusal
from hmlm.formula.expression import Bars, Binary, Call, Name, Node, Number, Paren, Sum, Tilde, Unary
from hmlm.formula.grouping import GROUP, Grouping, grouping_of
from hmlm.formula.monotonic import is_monotonic, monotonic_column
from hmlm.formula.parser import parse
from hmlm.formula.quantity import check_quantity
from hmlm.formula.series import read_series
from hmlm.formula.smooth import is_smooth, read_smooth
from hmlm.formula.terms import OFFSET, SERIES, check_terms
from hmlm.types import GroupTerm, PredictorFormula, ResidualSeries, Structure

UNCORRELATED, PLAIN_STRUCTURES = "diag", ("us",)
STRUCTURES = {one.value: one for one in Structure}
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
    offsets = tuple(_offset_text(sign, term) for sign, term in signed if _is_offset(term))
    monotonic = tuple(monotonic_column(sign, term) for sign, term in signed if is_monotonic(term))
    smooths = tuple(read_smooth(sign, term) for sign, term in signed if is_smooth(term))
    population = _joined([pair for pair in signed if _is_population_level(pair[1])])
    if population is not None:
        check_terms(population)
    text = "1" if population is None else str(population)
    return PredictorFormula(text, groups, str(node), offsets, _series(signed), monotonic, smooths)


def _is_population_level(node: Node) -> bool:
    apart = _is_offset(node) or _is_series(node) or is_monotonic(node) or is_smooth(node)
    return _bars_of(node) is None and not apart


def _is_series(node: Node) -> bool:
    return isinstance(node, Call) and node.function in SERIES


def _series(signed: list[tuple[str, Node]]) -> ResidualSeries | None:
    """The one ``ar(…)``, ``cosy(…)`` or ``unstr(…)`` of a predictor."""
    found = [(sign, term) for sign, term in signed if isinstance(term, Call) and _is_series(term)]
    for n, (sign, term) in enumerate(found):
        if sign == "-":
            raise term.place.error(f"`{term}` cannot be subtracted; leave it out")
        if n > 0:
            raise term.place.error(f"`{term}` is a second structure of residuals; write one")
    return read_series(found[0][1]) if found else None


def _is_offset(node: Node) -> bool:
    return isinstance(node, Call) and node.function == OFFSET


def _offset_text(sign: str, node: Node) -> str:
    """What is inside ``offset(…)``."""
    arguments = node.arguments if isinstance(node, Call) else ()
    if sign == "-":
        raise node.place.error(f"`{node}` cannot be subtracted; leave it out, or write offset(-x)")
    if len(arguments) != 1 or arguments[0].name not in (None, "object"):
        raise node.place.error(
            f"`{node}`: offset takes a column or a function of columns, as in offset(log(n))"
        )
    check_quantity(arguments[0].value)
    return str(arguments[0].value)


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
    match node:
        case Paren(inner=Bars() as bars):
            return bars
        case Call(function=function, arguments=(argument,)) if isinstance(argument.value, Bars):
            return _of_structure(node, function, argument.value)
    return None


def _of_structure(node: Node, function: str, bars: Bars) -> Bars:
    """The bars that glmmTMB's ``us(x | g)`` and ``diag(x | g)`` stand for; those of other structures."""
    if function in PLAIN_STRUCTURES or function in STRUCTURES:
        return bars
    if function != UNCORRELATED:
        said = refusal(function, GROUPS) or f"`{function}` is no covariance structure: write (x | group)"
        raise node.place.error(said)
    if len(bars.bars) > 1:
        raise bars.place.error(f"`{node}`: terms that share an ID are correlated; write ({bars})")
    return Bars(bars.place, bars.parts, ("||",))


def _group_terms(sign: str, node: Node) -> list[GroupTerm]:
    """The terms that ``(expression | label | factors)`` stands for, one for each factor of ``a/b``."""
    bars = _bars_of(node)
    if bars is None:
        return []
    if sign == "-":
        raise node.place.error(f"`{node}` cannot be subtracted; leave the group-level term out")
    expression, label, factors, correlated = _group_parts(bars)
    check_terms(expression)
    group = grouping_of(factors)
    label, correlated = group.label if label is None else label, correlated and group.correlated
    if label is not None and not correlated:
        raise bars.place.error(_label_without_correlation(bars))
    structure = STRUCTURES.get(node.function) if isinstance(node, Call) else None
    if structure is not None:
        _check_structure(node, group, label, correlated)
    return [
        GroupTerm(str(expression), columns, label, correlated, group.by, group.cov, group.multiple, structure)
        for columns in ([group.columns] if group.multiple else _factors(group.factor))
    ]


def _check_structure(node: Node, group: Grouping, label: str | None, correlated: bool) -> None:
    """Refuse what cannot be said of a term whose correlations are those of one rho."""
    if label is not None:
        raise node.place.error(
            f"`{node}`: an ID correlates this term with others, and its structure is of its own terms only; "
            "leave the ID out, or write (x | ID | group), where all correlations are free"
        )
    if not correlated:
        raise node.place.error(f"`{node}`: its terms are correlated; write one bar, or (x || group)")
    if group.by is not None or group.cov is not None:
        raise node.place.error(
            f"`{node}`: gr() with by or cov takes no structure of covariances; leave one of them out: "
            "(x | gr(…)) has free correlations"
        )


def _label_without_correlation(bars: Bars) -> str:
    return f"`({bars})`: terms that share an ID are correlated: write `|` twice, or `||` without an ID"


def _group_parts(bars: Bars) -> tuple[Node, str | None, Node, bool]:
    match bars:
        case Bars(parts=(expression, factors)):
            return expression, None, factors, bars.bars == ("|",)
        case Bars(parts=(expression, label, factors), bars=("|", "|")):
            return expression, _label(label), factors, True
        case Bars(parts=(_, _, _)):
            raise bars.place.error(_label_without_correlation(bars))
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
        case Call(function=function, arguments=(argument,)) if function == GROUP and not argument.name:
            return _factors(argument.value)
        case Call(function=function) if (said := refusal(function, GROUPS)) is not None:
            raise node.place.error(said)
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
