"""``bf``: formulas for the mean and the other distributional parameters of an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hmlm.formula.outcome import RESCOR, dpar_formula, outcome_formula
from hmlm.formula.parser import parse
from hmlm.formula.pasted import is_pasted, read_calls
from hmlm.formula.sd import read_sd
from hmlm.types import FormulaError, ModelFormula, OutcomeFormula, ResidualCorrelation


def bf(
    formula: str,
    *dpar_formulas: str,
    center: bool = True,
    sd: Mapping[str, str] | None = None,
    **dpars: str,
) -> OutcomeFormula:
    """One outcome, as in brms.

    ``bf("y ~ x + (1 |c| id)", sigma="~ x + (1 |c| id)")``, or with the formulas as pasted from R:
    ``bf("y ~ x + (1 |c| id)", "sigma ~ x + (1 |c| id)")``. What is said of the rows stands left of ``~``:
    ``bf("k | trials(n) + weights(w) ~ x + offset(z)")``; :mod:`hmlm.formula.additions` lists these terms.

    ``bf("y ~ x + (1 | id)", sd={"id": "~ age"})`` lets the standard deviation of the effects of ``id`` depend
    on a covariate of its levels: in level j it is ``sd_id__Intercept * exp(age_j * b_sd_id_age)``, age
    counted from its mean over levels, so that ``sd_id__Intercept`` is the geometric mean of the levels'
    standard deviations. Where several coefficients of the mean vary by ``id``, all change by that factor;
    ``sd={"id__x": "~ age"}`` speaks of one of them, ``"id__sigma_Intercept"`` of one of sigma.

    Args:
        formula: formula of the outcome's mean.
        dpar_formulas: formulas with the parameter's name on the left.
        center: whether population-level columns, and those of ``sd``, are centred.
        sd: formulas of log standard deviations between groups by grouping factor or coefficient; their
            covariates are constant within levels. With no intercept of their own; priors by
            ``prior("normal(0, 1)", class_="b", dpar="sd_id")``.
        dpars: formulas by the parameter's name; :data:`hmlm.formula.outcome.DPARS` lists the names, to which
            come ``mu`` and the name of a category, ``muB``, of a categorical outcome.

    Raises:
        FormulaError: a formula that cannot be read, or a parameter that is unknown or given twice.
    """
    pasted = [parse(text) for text in dpar_formulas]
    named = [(name, parse(text)) for name, text in dpars.items()]
    return replace(outcome_formula(parse(formula), pasted, named, center), sd=read_sd(sd))


def set_rescor(value: bool | str = True) -> ResidualCorrelation:
    """Whether the residuals of several outcomes correlate; add it to formulas as in brms.

    A formula, ``set_rescor("~ 1 + x + (1 |c| id)")``, which brms lacks, lets the residual correlation of two
    outcomes depend on covariates and vary by group: ``atanh(rescor) = b_rescor_Intercept + b_rescor_x x +
    r_id__rescor``. Default priors: ``normal(0, 1)`` for the Intercept, flat for other coefficients, half
    ``student_t(3, 0, 2.5)`` for standard deviations; ``prior("normal(0, 0.5)", class_="b", dpar="rescor")``
    states others.

    Raises:
        FormulaError: neither True, False nor a formula.
    """
    if isinstance(value, str) and "~" in value:
        return ResidualCorrelation(dpar_formula(RESCOR, parse(value)))
    if not isinstance(value, bool):
        raise FormulaError(f'set_rescor takes True or False, or a formula such as "~ 1 + x", not {value!r}')
    return ResidualCorrelation(value)


def as_model_formula(formula) -> ModelFormula:
    """Whatever states a model as a :class:`ModelFormula`.

    Args:
        formula: text of a formula or of pasted R calls (``"bf(y ~ x) + set_rescor(TRUE)"``), what ``bf``
            returns, sums of those, or a list with one of these for each outcome.

    Raises:
        FormulaError: anything else, or no outcome at all.
    """
    match formula:
        case ModelFormula():
            return formula
        case OutcomeFormula():
            return ModelFormula((formula,))
        case str():
            return _from_text(formula)
        case list() | tuple():
            return _from_parts(formula)
    raise FormulaError(f"a formula is text, bf(…) or a list of those, not {type(formula).__name__}")


def _from_text(text: str) -> ModelFormula:
    node = parse(text)
    if is_pasted(node):
        return _from_parts(read_calls(node))
    return ModelFormula((outcome_formula(node, [], [], True),))


def _from_parts(parts: Iterable) -> ModelFormula:
    rescor = [p for p in parts if isinstance(p, ResidualCorrelation)]
    outcomes = [as_model_formula(p) for p in parts if not isinstance(p, ResidualCorrelation)]
    if not outcomes:
        raise FormulaError("there is no outcome; write for example 'y ~ 1 + x + (1 | group)'")
    total = outcomes[0]
    for part in [*outcomes[1:], *rescor]:
        total = total + part
    return total
