"""One outcome: its column, the formula of its mean and those of its other distributional parameters."""

from __future__ import annotations

from collections.abc import Sequence

from hmlm.formula.expression import Bars, Call, Name, Node
from hmlm.formula.functions import check_call
from hmlm.formula.grammar import EXAMPLE, formula_of
from hmlm.types import FormulaError, OutcomeFormula, PredictorFormula

DPARS = ("sigma",)


def outcome_formula(
    node: Node, pasted: Sequence[Node], named: Sequence[tuple[str, Node]], center: bool
) -> OutcomeFormula:
    """The outcome of formulas that were read already.

    Args:
        node: the formula of the mean.
        pasted: formulas with the parameter's name on the left.
        named: names of parameters with their formulas.
        center: as in :func:`hmlm.formula.bf.bf`.

    Raises:
        FormulaError: no or no possible outcome, a parameter that is unknown or given twice.
    """
    left, mu = formula_of(node)
    column = _column(node, left)
    dpars: dict[str, PredictorFormula] = {}
    for name, formula in [*map(_named, pasted), *named]:
        dpars[_new_dpar(name, dpars)] = _dpar_formula(name, formula)
    return OutcomeFormula(column, mu, tuple(dpars.items()), center)


def _column(formula: Node, node: Node | None) -> str:
    match node:
        case None:
            raise formula.place.error(f"nothing stands left of `~`; a formula reads `{EXAMPLE}`")
        case Name(text=text):
            return text
        case Call():
            check_call(node)
            return str(node)
        case Bars():
            raise node.place.error(f"`{node}`: addition terms such as `y | trials(n)` are not available")
    raise node.place.error(
        f"`{node}` is no outcome; left of `~` stands a column or a function of one, as in log(y)"
    )


def _named(node: Node) -> tuple[str, Node]:
    """A formula ``sigma ~ x`` with the name it has on the left."""
    left, _ = formula_of(node)
    if left is None:
        raise node.place.error(f"say which parameter `{node}` is for: `sigma {node}`")
    return str(left), node


def _new_dpar(name: str, known: dict[str, PredictorFormula]) -> str:
    if name not in DPARS:
        raise FormulaError(
            f"`{name}` is no distributional parameter; allowed: {', '.join(DPARS)}. "
            "Several outcomes are added up: bf('y1 ~ x') + bf('y2 ~ x')"
        )
    if name in known:
        raise FormulaError(f"`{name}` has two formulas; give one")
    return name


def _dpar_formula(name: str, node: Node) -> PredictorFormula:
    left, predictor = formula_of(node)
    if left is not None and str(left) != name:
        raise node.place.error(
            f"the formula of `{name}` has `{left}` on its left; write `~ …` or `{name} ~ …`"
        )
    return predictor
