"""From a model formula and a table to the design: outcomes, matrices, grouping factors, complete rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from hmlm.formula.additions import additions_of
from hmlm.formula.algebra import RESERVED_INTERCEPT, read_terms
from hmlm.formula.by import split_by
from hmlm.formula.censoring import fill_upper_limits
from hmlm.formula.checks import check_nonzero, check_varying
from hmlm.formula.expression import columns_of
from hmlm.formula.factors import build_factor
from hmlm.formula.known import find_known
from hmlm.formula.matrix import build_matrix
from hmlm.formula.memberships import build_memberships, weight_columns
from hmlm.formula.names import outcome_name
from hmlm.formula.parser import parse
from hmlm.formula.population import build_population
from hmlm.formula.quantity import quantity_columns
from hmlm.formula.repeated import build_repeated
from hmlm.formula.response import build_outcome, outcome_columns
from hmlm.formula.row_values import Quantity, build_quantity, summed
from hmlm.formula.sd import build_sds, sd_text
from hmlm.formula.series import build_series, series_columns
from hmlm.formula.smooth import smooth_columns
from hmlm.formula.table import Use, as_table, complete_rows, select
from hmlm.types import (
    DataError,
    Design,
    Factor,
    FormulaError,
    GroupDesign,
    GroupTerm,
    ModelFormula,
    Outcome,
    OutcomeFormula,
    PredictorDesign,
    PredictorFormula,
)


def build_design(
    formula: ModelFormula, data: pd.DataFrame | Mapping, data2: Mapping[str, object] | None = None
) -> Design:
    """Everything a model needs of ``data``, from one set of rows that is complete in all columns used.

    ``data2`` has the matrices that the formula names, see :func:`hmlm.formula.known.read_known`.

    Warns with :class:`hmlm.types.DataWarning` of rows left out.

    Raises:
        FormulaError: terms without a meaning, the same term or outcome twice.
        DataError: a table or column that cannot be used; the message names it.
    """
    _check_outcomes(formula)
    _check_joint(formula)
    table = as_table(data)
    for site in _sites(formula):
        for outcome in site.outcomes:
            _check_outcome_unused(outcome, site, table)
    uses = _uses(formula, table)
    used = _without_unneeded_gaps(select(table, uses), formula, uses)
    rows = complete_rows(used)
    used = used.iloc[rows].reset_index(drop=True).infer_objects()
    outcomes = tuple(_build_outcome(used, outcome) for outcome in formula.outcomes)
    predictors = tuple(_build_predictor(used, site) for site in _sites(formula))
    factors = _build_factors(used, formula)
    return Design(
        formula=formula,
        outcomes=outcomes,
        predictors=predictors,
        factors=factors,
        rows=rows,
        n_dropped=len(table) - len(rows),
        table=used,
        sds=build_sds(used, formula, predictors, factors),
        known=find_known(predictors, factors, data2),
    )


@dataclass(frozen=True)
class _Site:
    """One linear predictor and where it stands: parameter ``dpar`` of an outcome, or of all together."""

    outcomes: tuple[OutcomeFormula, ...]
    dpar: str
    predictor: PredictorFormula

    @property
    def equation(self) -> str:
        return _equation(self.outcomes[0].left if self.dpar == "mu" else self.dpar, self.predictor)

    @property
    def response(self) -> str:
        """Cleaned name of the outcome, empty for several."""
        return outcome_name(self.outcomes[0].column) if len(self.outcomes) == 1 else ""

    @property
    def center(self) -> bool:
        return all(outcome.center for outcome in self.outcomes)


def _equation(left: str, predictor: PredictorFormula) -> str:
    return f"{left} ~ {predictor.text}"


def _sites(formula: ModelFormula) -> list[_Site]:
    own = [_Site((outcome,), *named) for outcome in formula.outcomes for named in outcome.predictors]
    return own + [_Site(formula.outcomes, *named) for named in formula.joint]


def _group_text(term: GroupTerm) -> str:
    """The group-level term as one would write it."""
    bar = "|" if term.correlated else "||"
    label = f" | {term.label}" if term.label is not None else ""
    options = "".join(f", {name} = {said}" for name, said in (("by", term.by), ("cov", term.cov)) if said)
    factor = f"gr({term.factor}{options})" if options else term.factor
    factor = _multiple_text(term) if term.multiple else factor
    structure = "" if term.structure is None else term.structure.value
    return f"{structure}({term.expression}{label} {bar} {factor})"


def _multiple_text(term: GroupTerm) -> str:
    """``mm(a, b, weights = cbind(v, w), scale = FALSE)``."""
    assert term.multiple is not None
    weights = ", ".join(term.multiple.weights)
    options = [f"weights = cbind({weights})"] if weights else []
    options += [] if term.multiple.scale else ["scale = FALSE"]
    return f"mm({', '.join((*term.columns, *options))})"


def _factor_columns(term: GroupTerm) -> tuple[str, ...]:
    """The columns right of its bar."""
    columns = (*term.columns, *weight_columns(term))
    return columns if term.by is None else (*columns, term.by)


def _check_outcomes(formula: ModelFormula) -> None:
    counts = Counter(outcome_name(outcome.column) for outcome in formula.outcomes)
    twice = [outcome.column for outcome in formula.outcomes if counts[outcome_name(outcome.column)] > 1]
    if twice:
        raise FormulaError(
            f"outcomes {', '.join(map(repr, twice))} share the name {outcome_name(twice[0])!r} in "
            "parameters, where dots and underscores are left out; give each one formula and its own name"
        )


def _check_joint(formula: ModelFormula) -> None:
    """Refuse a formula of the residual correlation of other than two outcomes."""
    n = len(formula.outcomes)
    if formula.joint and n != 2:
        remedy = "set_rescor(True) gives them one correlation matrix" if n > 2 else "add another bf(…)"
        raise FormulaError(
            f'set_rescor("~ {formula.joint[0][1].text}") is the residual correlation of two outcomes, and '
            f"there {'is one' if n == 1 else f'are {n}'}; {remedy}"
        )


def _check_outcome_unused(own: OutcomeFormula, site: _Site, table: pd.DataFrame) -> None:
    """Refuse an outcome among its own predictors; a difference ``I(y - x)`` may be predicted by ``x``."""
    outcome = outcome_columns(own.column, table)
    predictor = site.predictor
    uses = _population_uses(site)
    for term in predictor.groups:
        uses += _term_uses(term.expression, site.equation)
        uses += [Use(column, site.equation) for column in _factor_columns(term)]
    if len(outcome) == 1 and any(use.column == outcome[0] for use in uses):
        raise FormulaError(
            f"`{site.equation}`: the outcome '{outcome[0]}' stands on both sides of `~`; an outcome cannot "
            "predict itself: leave it out on the right"
        )


def _population_uses(site: _Site) -> list[Use]:
    """Columns of a predictor's population-level part."""
    smooth = (column for term in site.predictor.smooths for column in smooth_columns(term))
    columns = [Use(column, site.equation) for column in (*site.predictor.monotonic, *smooth)]
    return [*_term_uses(site.predictor.population, site.equation), *columns, *_offset_uses(site)]


def _uses(formula: ModelFormula, table: pd.DataFrame) -> list[Use]:
    """Every column that the formula needs, with the piece that needs it."""
    uses = [
        Use(column, _equation(outcome.left, outcome.mu))
        for outcome in formula.outcomes
        for column in (*outcome_columns(outcome.column, table), *_addition_columns(outcome))
    ]
    for site in _sites(formula):
        uses += [*_population_uses(site), *_series_uses(site)]
        for term in site.predictor.groups:
            uses += _term_uses(term.expression, _group_text(term))
            uses += [Use(column, _group_text(term)) for column in _factor_columns(term)]
    for outcome in formula.outcomes:
        for name, predictor in outcome.sd:
            uses += _term_uses(predictor.population, sd_text(name, predictor))
    return uses


def _addition_columns(outcome: OutcomeFormula) -> list[str]:
    return [column for term in additions_of(outcome) for column in term.columns]


def _offset_uses(site: _Site) -> list[Use]:
    texts = site.predictor.offsets
    return [Use(column, site.equation) for text in texts for column in quantity_columns(parse(text))]


def _series_uses(site: _Site) -> list[Use]:
    series = site.predictor.series
    return [] if series is None else [Use(column, site.equation) for column in series_columns(series)]


def _build_outcome(table: pd.DataFrame, formula: OutcomeFormula) -> Outcome:
    where, series = _equation(formula.left, formula.mu), formula.mu.series
    outcome = build_outcome(table, formula, where)
    if series is None:
        return outcome
    if series.dependence.matrix:
        return replace(outcome, repeated=build_repeated(table, series, where))
    return replace(outcome, series=build_series(table, series, where))


def _without_unneeded_gaps(used: pd.DataFrame, formula: ModelFormula, uses: list[Use]) -> pd.DataFrame:
    """The columns used, without gaps that no row's completeness depends on."""
    counts = Counter(use.column for use in uses)
    for outcome in formula.outcomes:
        used = fill_upper_limits(used, outcome, counts, _equation(outcome.left, outcome.mu))
    return used


def _term_uses(text: str, where: str) -> list[Use]:
    columns = (column for atom in read_terms(text).atoms for column in columns_of(atom))
    return [Use(column, where) for column in columns if column != RESERVED_INTERCEPT]


def _build_predictor(table: pd.DataFrame, site: _Site) -> PredictorDesign:
    terms = [_build_group(table, term) for term in site.predictor.groups]
    _check_groups(tuple(parts[0] for parts in terms), site.equation)
    offset = _build_offset(table, site)
    return PredictorDesign(
        response=site.response,
        dpar=site.dpar,
        population=build_population(table, site.predictor, site.center, site.equation),
        groups=tuple(part for parts in terms for part in parts),
        offset=None if offset is None else offset.values,
        rebuild_offset=None if offset is None else offset.rebuild,
    )


def _build_offset(table: pd.DataFrame, site: _Site) -> Quantity | None:
    return summed([build_quantity(parse(text), table, site.equation) for text in site.predictor.offsets])


def _build_group(table: pd.DataFrame, term: GroupTerm) -> tuple[GroupDesign, ...]:
    """A design, or one for each level of its by-variable."""
    matrix = build_matrix(term.expression, table, _group_text(term))
    if not matrix.names:
        raise FormulaError(
            f"`{_group_text(term)}` has no coefficient left of the bar; write 1 or a column there"
        )
    if matrix.terms.intercept:
        check_varying(matrix.values[:, 1:], matrix.names[1:], _group_text(term))
    check_nonzero(matrix.values, matrix.names, _group_text(term))
    if term.by is not None:
        return tuple(split_by(matrix, table, term, _group_text(term)))
    return (GroupDesign(term=term, matrix=matrix.values, names=matrix.names, rebuild=matrix.rebuild),)


def _check_groups(groups: tuple[GroupDesign, ...], equation: str) -> None:
    """Refuse a coefficient that varies twice over the same factor in one predictor."""
    counts = Counter((name, group.term.factor) for group in groups for name in group.coefficients)
    for (name, factor), n in counts.items():
        if n > 1:
            raise FormulaError(
                f"`{equation}`: '{name}' varies over '{factor}' in {n} terms; keep one, for example "
                f"(1 | {factor}) + (0 + x | {factor}) instead of (1 | {factor}) + (x | {factor})"
            )


def _build_factors(table: pd.DataFrame, formula: ModelFormula) -> tuple[Factor, ...]:
    """The grouping factors in order of first use, each once."""
    terms: dict[tuple, GroupTerm] = {}
    for site in _sites(formula):
        for term in site.predictor.groups:
            terms.setdefault((term.columns, term.multiple), term)
    factors = tuple(_build_factor(table, term) for term in terms.values())
    if len({factor.name for factor in factors}) < len(factors):
        raise DataError(
            "two grouping factors have one name: a column's name contains ':' or 'mm' and reads like another "
            "factor, which renaming it solves, or mm() has the same columns with other weights"
        )
    return factors


def _build_factor(table: pd.DataFrame, term: GroupTerm) -> Factor:
    if term.multiple is not None:
        return build_memberships(table, term, _group_text(term))
    return build_factor(table, term.columns, _group_text(term))
