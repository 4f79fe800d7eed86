"""One outcome: its column, the formula of its mean and those of its other distributional parameters."""

from __future__ import annotations

from collections.abc import Sequence

from hmlm.formula.additions import Additions, read_left
from hmlm.formula.expression import Node
from hmlm.formula.grammar import EXAMPLE, formula_of
from hmlm.types import FormulaError, OutcomeFormula, PredictorFormula

DPARS = ("sigma", "nu", "shape", "phi", "kappa", "beta", "zi", "hu", "zoi", "coi", "disc", "alpha")
RESCOR = "rescor"  # of two outcomes together
_MEAN = "mu"  # of a categorical outcome each category has one: mu and its level


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
    column, additions = _outcome(node, left)
    dpars: dict[str, PredictorFormula] = {}
    for name, formula in [*map(_named, pasted), *named]:
        dpars[_new_dpar(name, dpars)] = dpar_formula(name, formula)
    return OutcomeFormula(column, mu, tuple(dpars.items()), center, additions)


def is_dpar(name: str) -> bool:
    """Whether some family has a parameter of that name, the ``mu`` of a category among them."""
    return name in DPARS or (name.startswith(_MEAN) and name != _MEAN)


def _outcome(formula: Node, node: Node | None) -> tuple[str, Additions]:
    if node is None:
        raise formula.place.error(f"nothing stands left of `~`; a formula reads `{EXAMPLE}`")
    return read_left(node)


def _named(node: Node) -> tuple[str, Node]:
    """A formula ``sigma ~ x`` with the name it has on the left."""
    left, _ = formula_of(node)
    if left is None:
        raise node.place.error(f"say which parameter `{node}` is for: `sigma {node}`")
    return str(left), node


def _new_dpar(name: str, known: dict[str, PredictorFormula]) -> str:
    if name == RESCOR:
        raise FormulaError(
            "the residual correlation belongs to two outcomes together: write "
            'bf("y ~ x") + bf("v ~ x") + set_rescor("~ 1 + x")'
        )
    if not is_dpar(name):
        raise FormulaError(
            f"`{name}` is no distributional parameter; allowed: {', '.join(DPARS)}, and mu with the name "
            "of a category. "
            "Several outcomes are added up: bf('y1 ~ x') + bf('y2 ~ x')"
        )
    if name in known:
        raise FormulaError(f"`{name}` has two formulas; give one")
    return name


def dpar_formula(name: str, node: Node) -> PredictorFormula:
    """The formula of a parameter, ``~ x`` or ``sigma ~ x``.

    Raises:
        FormulaError: another name on its left, or a term that is about residuals.
    """
    left, predictor = formula_of(node)
    if left is not None and str(left) != name:
        raise node.place.error(
            f"the formula of `{name}` has `{left}` on its left; write `~ …` or `{name} ~ …`"
        )
    if predictor.series is not None:
        raise node.place.error(
            f"{predictor.series.dependence.value}() is about residuals: write it in the formula of the mean, "
            f"not of `{name}`"
        )
    return predictor
