"""The model in words: one sentence for a researcher, and what the symbols of the mathematics mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from hmlm.results.report.families import ADDITIONS, SHRINKAGE, wording_of
from hmlm.results.report.symbols import INDICES, INTERCEPT
from hmlm.spec.distribution import is_flat, kind_of
from hmlm.spec.spec import JOINT, OF_SERIES, Block, Predictor, Smooth, Spec
from hmlm.spec.support import Support
from hmlm.types import Dependence, Design, Distribution

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


DEPENDENCE = {
    Dependence.AR: "each residual depends on the one before it in its series",
    Dependence.COSY: "any two residuals of a series have the same correlation",
    Dependence.UNSTR: "the residuals of a series at {n} occasions are correlated, each two in their own way",
}
NOTES = {
    Dependence.AR: "ar is the coefficient of the residual before; sigma is the standard deviation given it.",
    Dependence.COSY: "cosy is the correlation of two residuals of one series.",
    Dependence.UNSTR: "R with the index “time” holds the correlations between the residuals of a series.",
}


STRUCTURES = {
    False: "the {n} varying coefficients of {factor}{sd} have one correlation, any two of them the same",
    True: "the {n} varying coefficients of {factor}{sd} correlate the less the further apart they are",
}


def kind(spec: Spec) -> str:
    """What such a model is called: ``"mixed-effects location scale model"``."""
    several = "multivariate " if spec.multivariate else ""
    dpars = {predictor.dpar for predictor in spec.predictors}
    varying = {spec.predictors[term.predictor].dpar for block in spec.blocks for term in block.terms}
    if "sigma" in varying:
        return f"{several}mixed-effects location scale model"
    if not varying:
        return f"{several}{'distributional' if dpars > {'mu'} else _family_word(spec)} regression"
    return f"{several}{_family_word(spec)} multilevel model{_of_others(spec, dpars)}"


def _of_others(spec: Spec, dpars: set[str]) -> str:
    """What else has a formula beside the mean."""
    others = sorted(dpars - {"mu"})
    if others == ["sigma"] and spec.family.normal:
        return " of location and scale"
    return f" with a formula for {listed(others)}" if others else ""


def sentence(spec: Spec, columns: Sequence[str], n_rows: int) -> str:
    """The model as one sentence.

    Args:
        spec: the model.
        columns: the outcomes as the table calls them.
        n_rows: rows used.
    """
    clauses = [_clause(spec, p, columns) for p in range(len(spec.predictors))]
    known = wording_of(spec.family)
    of = f"are {known.several}" if spec.multivariate else f"is {known.one}"
    start = f"In {count(n_rows)} rows, {listed(columns)} {of}"
    clauses += [*_constants(spec, columns), *_spreads(spec, columns), *_correlations(spec, columns)]
    return f"{start}; {'; '.join(clauses)}."


def _constants(spec: Spec, columns: Sequence[str]) -> Iterator[str]:
    """Distributional parameters without a formula."""
    for dpar in dict.fromkeys(c.dpar for c in spec.constants if c.dpar not in OF_SERIES):
        of = listed([columns[c.response] for c in spec.constants if c.dpar == dpar])
        yield f"the {wording_of(spec.family).word(dpar, of)} is the same in all rows"
    if spec.autocor is not None:
        yield DEPENDENCE[spec.autocor.dependence].format(n=len(spec.times))


def _family_word(spec: Spec) -> str:
    return wording_of(spec.family).kind


def _clause(spec: Spec, p: int, columns: Sequence[str]) -> str:
    predictor, link = spec.predictors[p], spec.link(p)
    scale = "" if link == "identity" else f", on the {link} scale,"
    what = f"{_parameter(spec, p, columns)}{scale}"
    varying = listed([_varying(spec, p, block) for block in spec.blocks if _own(spec, p, block)])
    which = f", with {varying}" if varying else ""
    return f"the {what} {_depends(predictor)}{which}"


def _parameter(spec: Spec, p: int, columns: Sequence[str]) -> str:
    """The parameter of a predictor in words, of its outcome or of all of them."""
    predictor = spec.predictors[p]
    of = listed(columns) if predictor.response == JOINT else columns[predictor.response]
    return wording_of(spec.family).word(predictor.dpar, of)


def _depends(predictor: Predictor) -> str:
    lines = {smooth.line for smooth in predictor.smooths}
    names = [name for name in predictor.names if name != INTERCEPT and name not in lines]
    steps = [f"the level of {e.name.removeprefix('mo')}, monotonically" for e in predictor.monotonic]
    parts = [*(term(name) for name in names), *steps, *map(_smooth, predictor.smooths)]
    return f"depends on {listed(parts)}" if parts else "has an intercept only"


def _smooth(smooth: Smooth) -> str:
    """``"a smooth function of x"``, ``"a smooth function of x where fa"``."""
    column, _, by = smooth.line.removesuffix("_1").partition(":")
    which = f" where {by}" if by else ""
    return f"a smooth function of {column.removeprefix('s')}{which}"


def term(name: str) -> str:
    """A coefficient in words: ``"the interaction of a and b"``."""
    parts = name.split(":")
    return f"the interaction of {listed(parts)}" if len(parts) > 1 else name


def _own(spec: Spec, p: int, block: Block) -> list[str]:
    """Terms of a block in one predictor, in brms's order."""
    return [block.terms[q].coefficient for q in block.order if block.terms[q].predictor == p]


def _varying(spec: Spec, p: int, block: Block) -> str:
    """``"an intercept and slopes of day and steps.pmd that vary by id (193 levels)"``."""
    names, factor = _own(spec, p, block), spec.factors[block.factor]
    slopes = [term(name) for name in names if name != INTERCEPT]
    parts = ["an intercept"] if INTERCEPT in names else []
    if slopes:
        parts.append(f"{'slopes' if len(slopes) > 1 else 'a slope'} of {listed(slopes)}")
    verb = "vary" if len(names) > 1 else "varies"
    n_levels = factor.n_levels if block.members is None else len(block.members)
    which = f"{block.terms[0].by}, " if block.terms[0].by else ""
    several = ", of which rows have several" if factor.multiple else ""
    related = "" if block.known is None else f" with the known covariance {block.known.name}"
    return f"{listed(parts)} that {verb} by {factor.name} ({which}{count(n_levels)} levels{related}{several})"


def _spreads(spec: Spec, columns: Sequence[str]) -> Iterator[str]:
    """What standard deviations between levels depend on."""
    for part in spec.sds:
        terms = [spec.blocks[b].terms[q] for b, q in part.terms]
        own = listed([_effect(spec, b, q) for b, q in part.terms])
        response = spec.predictors[terms[0].predictor].response
        of = f" for {columns[response]}" if spec.multivariate else ""
        vary = "vary" if len(terms) > 1 else "varies"
        factor, covariates = spec.factors[part.factor].name, listed([term(name) for name in part.names])
        yield f"how much {own}{of} {vary} by {factor} depends, on the log scale, on {covariates}"


def _effect(spec: Spec, b: int, q: int) -> str:
    """``"the intercept"``, ``"the slope of x on sigma"``."""
    own = spec.blocks[b].terms[q]
    dpar = spec.predictors[own.predictor].dpar
    what = "the intercept" if own.name == INTERCEPT else f"the slope of {term(own.name)}"
    return what if dpar == "mu" else f"{what} of {dpar}"


def _correlations(spec: Spec, columns: Sequence[str]) -> Iterator[str]:
    for block in spec.blocks:
        if block.cor is not None:
            n = NUMBERS[block.size] if block.size < len(NUMBERS) else str(block.size)
            yield f"the {n} varying coefficients of {spec.factors[block.factor].name} are correlated"
        if block.structure is not None:
            yield _structured(spec, block)
    if spec.rescor is not None:
        yield f"the residuals of {listed(columns)} are correlated"


def _structured(spec: Spec, block: Block) -> str:
    """Of correlations made of one rho."""
    said = STRUCTURES[block.structure is not None and block.structure.in_turn]
    sd = ", all of one standard deviation," if block.n_sd < block.size else ""
    return said.format(n=block.size, factor=spec.factors[block.factor].name, sd=sd)


# --- notation -------------------------------------------------------------------------------------


def notation(spec: Spec, design: Design) -> tuple[str, ...]:
    """What the symbols mean, one note each."""
    of_outcomes = (*_of_family(spec, design), *_additions(design), *_offsets(design))
    return (*_indices(spec), *of_outcomes, *_dummies(spec, design), *_matrices(spec), *_of_priors(spec))


def _indices(spec: Spec) -> Iterator[str]:
    levels = [
        f"{letter}[i] is the level of {factor.name} in row i, {letter} = 1, …, {count(factor.n_levels)}"
        for letter, factor in zip(INDICES, spec.factors, strict=False)
    ]
    yield f"{'; '.join([f'i = 1, …, {count(spec.n_rows)} counts rows', *levels])}."


def _of_family(spec: Spec, design: Design) -> Iterator[str]:
    """What the distribution's parameters and the codes of its outcomes mean."""
    if wording_of(spec.family).note:
        yield wording_of(spec.family).note
    for outcome in design.outcomes:
        if len(outcome.levels) == 2:
            yield f"{outcome.column} counts as 1 where it is {outcome.levels[1]}, else as 0."


def _additions(design: Design) -> Iterator[str]:
    """The terms beside the outcomes in the formula."""
    for outcome in design.formula.outcomes:
        for name, arguments in outcome.additions:
            if name in ADDITIONS:
                yield ADDITIONS[name].format(arguments=arguments)


def _offsets(design: Design) -> Iterator[str]:
    predictors = [named for outcome in design.formula.outcomes for named in outcome.predictors]
    for dpar, predictor in (*predictors, *design.formula.joint):
        if predictor.offsets:
            of = "" if dpar == "mu" else f" of {dpar}"
            yield f"o with the index i is the offset{of} of row i: {' + '.join(predictor.offsets)}."


def offset_predictors(design: Design) -> frozenset[int]:
    """Positions of the linear predictors with an offset."""
    return frozenset(p for p, known in enumerate(design.predictors) if known.offset is not None)


def _dummies(spec: Spec, design: Design) -> Iterator[str]:
    """Columns that stand for categories."""
    names = {part for predictor in spec.predictors for name in predictor.names for part in name.split(":")}
    names |= {term.by for block in spec.blocks for term in block.terms}
    for column, levels in categories(design).items():
        marked = [level for level in levels if f"{column}{level}" in names]
        rest = [level for level in levels if level not in marked]
        for level in marked:
            against = f" (reference: {rest[0]})" if len(rest) == 1 else ""
            yield f"{column}{level} is 1 where {column} is {level}, else 0{against}."


def categories(design: Design) -> dict[str, list[str]]:
    """Columns of text or categories that are no grouping factors, with their values."""
    grouping = grouping_columns(design)
    table = pd.DataFrame() if design.table is None else design.table
    found = {str(name): table[name] for name in table.columns if name not in grouping}
    return {
        name: [str(value) for value in pd.Categorical(values).categories]
        for name, values in found.items()
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)
    }


def grouping_columns(design: Design) -> set[str]:
    """The columns that the grouping factors are made of."""
    return {column for factor in design.factors for column in factor.columns}


def _matrices(spec: Spec) -> Iterator[str]:
    if any(block.correlated for block in spec.blocks):
        yield "T holds the standard deviations τ of the group effects, R their correlations."
    kinds = {block.structure.in_turn for block in spec.blocks if block.structure is not None}
    if False in kinds:
        yield "ρ is the one correlation of the group effects; J is the matrix of ones."
    if any(block.structure is not None for block in spec.blocks):
        yield "I is the identity matrix."
    if True in kinds:
        yield "ρ is the correlation of neighbouring group effects, a and b are their places in order."
    if any(not block.correlated for block in spec.blocks):
        yield "Effects without a common R are independent; Normal(0, τ) has the standard deviation τ."
    if spec.multiple:
        yield "w with the indices i, m is the weight of the m-th level of row i."
    for block in spec.blocks:
        if block.known is not None:
            factor, name = spec.factors[block.factor].name, block.known.name
            yield f"{name} is the known covariance of the levels of {factor}; effects stand for all levels."
    if any(predictor.smooths for predictor in spec.predictors):
        yield "B are the wiggly columns of a smooth function, beside its straight line, s their coefficients."
    if spec.autocor is not None:
        yield NOTES[spec.autocor.dependence]
    if spec.rescor is not None:
        yield "D holds the residual standard deviations; R with the index “res” their correlations."
    if spec.rescor_predictor is not None:
        yield "D holds the residual standard deviations; ρ with the index i is the correlation in row i."


def _of_priors(spec: Spec) -> Iterator[str]:
    priors = [prior for predictor in spec.predictors for prior in predictor.priors]
    if any(p.centered and p.names and p.intercept is not None for p in spec.predictors):
        yield "The prior of an intercept is on its value at the means x̄ of the columns, as in brms."
    constants = [c.prior for c in spec.constants if c.support is Support.POSITIVE]
    smooths = [smooth.prior for predictor in spec.predictors for smooth in predictor.smooths]
    halves = [prior for block in spec.blocks for prior in block.sd] + smooths + constants
    if any(kind_of(prior).support != "positive" and not is_flat(prior) for prior in halves):
        yield "A plus restricts a distribution to positive values."
    if any(map(is_flat, [*priors, *halves])):
        yield "p(…) ∝ 1 is a flat prior."
    if any(_has(prior, "exponential") for prior in halves):
        yield "Exponential distributions are given by their rate."
    if any(_has(prior, "gamma") for prior in [*halves, *(c.prior for c in spec.constants)]):
        yield "Gamma distributions are given by shape and rate."
    yield from (note for kind, note in SHRINKAGE.items() if any(_has(prior, kind) for prior in priors))


def _has(prior: Distribution, name: str) -> bool:
    return prior.name == name


# --- prose ----------------------------------------------------------------------------------------


def predictor_title(spec: Spec, p: int, columns: Sequence[str]) -> str:
    """``"mean of PA.std"``, ``"residual standard deviation of PA.std, log scale"``."""
    link = spec.link(p)
    scale = "" if link == "identity" else f", {link} scale"
    return f"{_parameter(spec, p, columns)}{scale}"


def capital(text: str) -> str:
    """With a capital at the start, the rest as it is."""
    return text[:1].upper() + text[1:]


def count(n: int) -> str:
    """A whole number with thin spaces between thousands: ``13 033``."""
    return f"{n:,}".replace(",", "\u202f") if abs(n) >= 10_000 else str(n)


def listed(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
