"""The model in mathematics, from its spec: likelihood, linear predictors, group effects and priors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from hmlm.results.report.families import wording_of
from hmlm.results.report.mathml import (
    Equation,
    call,
    column,
    display,
    indexed,
    joined,
    letter,
    listed,
    matrix,
    name,
    number,
    over,
    root,
    row,
    sign,
    sub,
    sup,
    times,
)
from hmlm.results.report.symbols import INTERCEPT, Symbols
from hmlm.spec.distribution import is_flat, kind_of
from hmlm.spec.shrinkage import is_shrinkage
from hmlm.spec.spec import COSY, JOINT, RESCOR_DPAR, Block, BlockTerm, Monotonic, Spec
from hmlm.spec.support import Support
from hmlm.types import Distribution

NAMES = {
    "normal": "Normal",
    "student_t": "Student-t",
    "cauchy": "Cauchy",
    "exponential": "Exponential",
    "gamma": "Gamma",
    "uniform": "Uniform",
    "lognormal": "LogNormal",
    "lkj": "LKJ",
    "dirichlet": "Dirichlet",
    "horseshoe": "Horseshoe",
}
IS_DISTRIBUTED = "∼"
POSITIVE = Support.POSITIVE
CUT = {POSITIVE: sign("+"), Support.ABOVE_ONE: row(sign(">"), number(1))}


class Part(NamedTuple):
    """Some lines of the model under a title; ``mathml`` is a ``<math>`` element."""

    title: str
    mathml: str


def model_parts(
    spec: Spec, columns: tuple[str, ...], offsets: frozenset[int] = frozenset()
) -> tuple[Part, ...]:
    """The model in parts, each a block of MathML.

    Args:
        spec: the model.
        columns: the outcomes as the table calls them.
        offsets: the linear predictors with an offset.
    """
    symbols = Symbols(spec, columns)
    parts = {
        "Likelihood": _likelihood(symbols),
        "Linear predictors": _predictors(symbols, offsets),
        "Group effects": _group_effects(symbols),
        "Priors": _priors(symbols),
    }
    found = {title: tuple(equations) for title, equations in parts.items()}
    return tuple(
        Part(title, display(equations, f"{title} of the model, in symbols"))
        for title, equations in found.items()
        if equations
    )


# --- likelihood -----------------------------------------------------------------------------------


def _likelihood(symbols: Symbols) -> Iterator[Equation]:
    spec = symbols.spec
    if spec.correlated:
        yield from _joint_likelihood(symbols)
        return
    for m in range(len(spec.outcomes)):
        arguments = wording_of(spec.family).arguments or spec.family.dpars
        symbolic = [_argument(symbols, m, argument) for argument in arguments]
        yield Equation(symbols.outcome(m), IS_DISTRIBUTED, [call(_family(spec), *symbolic)])
    if spec.repeated:
        yield _within_series(symbols)


def _within_series(symbols: Symbols) -> Equation:
    """``cor(y_i, y_i') = cosy`` or the entry of R for their times, i and i' two rows of a series."""
    first = symbols.outcome(0)
    two = listed([letter("t"), sup(letter("t"), sign("′"))])
    of_times = sub(letter("R"), row(name("time"), sign(","), two))
    shared = symbols.parameter(0, COSY, by_row=False) if symbols.spec.cortime is None else of_times
    return Equation(call(name("cor"), first, sup(first, sign("′"))), "=", [shared])


def _argument(symbols: Symbols, m: int, argument: str) -> str:
    """``μ_i``, ``n_i`` of an addition term, ``α/μ_i`` of ``"shape/mu"``."""
    if "/" in argument:
        above, below = (_argument(symbols, m, part) for part in argument.split("/"))
        return row(above, sign("/"), below)
    if argument.isdigit():
        return number(int(argument))
    if argument not in symbols.spec.family.dpars:
        return symbols.addition(m, argument)
    return _as_recorded(symbols, m, argument)


def _as_recorded(symbols: Symbols, m: int, dpar: str) -> str:
    """A parameter with the addition terms that enter it: rates times mean, known errors within sigma."""
    names = symbols.spec.additions[m] if symbols.spec.additions else ()
    if "rate" in names and dpar in ("mu", "shape"):
        return times(symbols.addition(m, "rate"), _parameter(symbols, m, dpar))
    if "se" not in names or dpar != "sigma":
        return _parameter(symbols, m, dpar)
    error = symbols.addition(m, "se")
    if symbols.spec.sigma[m] is None and _predictor(symbols.spec, m, "sigma") is None:
        return error
    return root(row(_squared(error), sign("+"), _squared(_parameter(symbols, m, dpar))))


def _squared(symbol: str) -> str:
    return sup(row(symbol), number(2))


def _joint_likelihood(symbols: Symbols) -> Iterator[Equation]:
    """Outcomes whose residuals correlate."""
    outcomes = range(len(symbols.spec.outcomes))
    own = symbols.spec.rescor_predictor is not None
    by_row = any(symbols.spec.sigma[m] is None for m in outcomes)
    covariance = sub(letter("S"), letter("i")) if by_row or own else letter("S")
    spread = sub(letter("D"), letter("i")) if by_row else letter("D")
    correlation = _correlation_of_row(symbols) if own else _residual_correlation()
    left = column([symbols.outcome(m) for m in outcomes])
    means = column([_parameter(symbols, m, "mu") for m in outcomes])
    family = name(f"Multivariate {_name(symbols.spec)}")
    yield Equation(left, IS_DISTRIBUTED, [call(family, means, covariance)])
    yield Equation(covariance, "=", [row(spread, correlation, spread)])
    sigmas = [_parameter(symbols, m, "sigma") for m in outcomes]
    yield Equation(spread, "=", [call(name("diag"), *sigmas)])


def _correlation_of_row(symbols: Symbols) -> str:
    """The residual correlation of two outcomes where it has a formula, as a matrix."""
    own = symbols.parameter(JOINT, RESCOR_DPAR, by_row=True)
    return matrix([[number(1), own], [own, number(1)]])


def _parameter(symbols: Symbols, m: int, dpar: str) -> str:
    return symbols.parameter(m, dpar, by_row=_predictor(symbols.spec, m, dpar) is not None)


def _predictor(spec: Spec, m: int, dpar: str) -> int | None:
    found = (p for p, known in enumerate(spec.predictors) if (known.response, known.dpar) == (m, dpar))
    return next(found, None)


def _family(spec: Spec) -> str:
    return name(_name(spec))


def _name(spec: Spec) -> str:
    return wording_of(spec.family).title


def _residual_correlation() -> str:
    return sub(letter("R"), name("res"))


# --- linear predictors ----------------------------------------------------------------------------


def _predictors(symbols: Symbols, offsets: frozenset[int]) -> Iterator[Equation]:
    for p, predictor in enumerate(symbols.spec.predictors):
        parameter = symbols.parameter(predictor.response, predictor.dpar, by_row=True)
        left = linked(symbols.spec.link(p), parameter)
        known = [symbols.offset(p)] if p in offsets else []
        yield Equation(left, "=", [*_population(symbols, p), *_varying(symbols, p), *known])


def linked(link: str, parameter: str) -> str:
    """``parameter``, ``log parameter``, ``logit(parameter)``."""
    if link == "identity":
        return parameter
    return times(letter(link), parameter) if link == "log" else call(name(link), parameter)


def _population(symbols: Symbols, p: int) -> Iterator[str]:
    predictor = symbols.spec.predictors[p]
    if predictor.intercept is not None:
        yield symbols.coefficient(p, INTERCEPT)
    for term in predictor.names:
        yield times(symbols.coefficient(p, term), symbols.column(term))
    for effect in predictor.monotonic:
        yield _steps(symbols, p, effect)
    for smooth in predictor.smooths:
        columns = indexed(letter("B"), joined([name(smooth.name), letter("k"), letter("i")]), "")
        yield times(row(sub(sign("∑"), letter("k")), symbols.wiggly(p, smooth)), columns)


def _steps(symbols: Symbols, p: int, effect: Monotonic) -> str:
    """``β D ∑_{k ≤ x} ζ_k``."""
    level = symbols.column(effect.name.removeprefix("mo"))
    total = sub(sign("∑"), row(letter("k"), sign("≤"), level))
    shares = row(total, symbols.simplex(p, effect, letter("k")))
    return times(times(symbols.monotonic(p, effect), number(effect.size)), shares)


def _varying(symbols: Symbols, p: int) -> Iterator[str]:
    for block in symbols.spec.blocks:
        for term in in_order(block):
            if term.predictor == p:
                effect = symbols.effect(block, term, by_row=True)
                if symbols.spec.factors[block.factor].multiple:
                    effect = row(sub(sign("∑"), letter("m")), symbols.weight(), effect)
                yield times(effect, symbols.column(term.name))


def in_order(block: Block) -> list[BlockTerm]:
    """The terms as brms orders them: means first."""
    return [block.terms[q] for q in block.order]


# --- group effects --------------------------------------------------------------------------------


def _group_effects(symbols: Symbols) -> Iterator[Equation]:
    for b, block in enumerate(symbols.spec.blocks):
        yield from _joint(symbols, block) if block.correlated else _independent(symbols, block)
        yield from _spreads_of_levels(symbols, b)


def _joint(symbols: Symbols, block: Block) -> Iterator[Equation]:
    terms = in_order(block)
    effects = column([_effect(symbols, block, term) for term in terms])
    matrix, spread, correlation = (symbols.of_block(base, block) for base in ("Σ", "T", "R"))
    spreads = [_spread(symbols, block, term) for term in terms]
    if spreads != [symbols.spread(block, term) for term in terms]:
        level = symbols.level(block, by_row=False)
        matrix, spread = sub(matrix, level), sub(spread, level)
    whole = matrix if block.known is None else row(matrix, sign("⊗"), name(block.known.name))
    yield Equation(effects, IS_DISTRIBUTED, [call(name("Normal"), number(0), whole)])
    yield Equation(matrix, "=", [row(spread, correlation, spread)])
    one_spread = [times(spreads[0], letter("I"))]
    yield Equation(spread, "=", one_spread if block.n_sd < block.size else [call(name("diag"), *spreads)])
    if block.structure is not None:
        yield _of_one_rho(symbols, block)


def _of_one_rho(symbols: Symbols, block: Block) -> Equation:
    """``R = (1 − ρ) I + ρ J``, or of its entries ``R_ab = ρ^|a − b|``."""
    correlation, rho = symbols.of_block("R", block), symbols.of_block("ρ", block)
    if block.structure is not None and block.structure.in_turn:
        entry = row(sign("("), correlation, sign(")"))
        distance = row(sign("|"), letter("a"), sign("−"), letter("b"), sign("|"))
        return Equation(sub(entry, row(letter("a"), letter("b"))), "=", [sup(rho, distance)])
    own = row(sign("("), number(1), sign("−"), rho, sign(")"), letter("I"))
    return Equation(correlation, "=", [own, times(rho, letter("J"))])


def _spread(symbols: Symbols, block: Block, term: BlockTerm) -> str:
    """Standard deviation of an effect, that of its level where it has a formula."""
    b, q = symbols.spec.blocks.index(block), block.terms.index(term)
    return symbols.spread(block, term, by_level=any((b, q) in part.terms for part in symbols.spec.sds))


def _spreads_of_levels(symbols: Symbols, b: int) -> Iterator[Equation]:
    """``log τ_j = log τ + ζ (age_j - mean)``."""
    block = symbols.spec.blocks[b]
    for s, part in enumerate(symbols.spec.sds):
        covariates = [_covariate(symbols, block, term, part.centered) for term in part.names]
        terms = [times(*pair) for pair in zip(symbols.sd_coefficients(s), covariates, strict=True)]
        for q in (q for own, q in part.terms if own == b):
            by_level = symbols.spread(block, block.terms[q], by_level=True)
            shared = times(letter("log"), symbols.spread(block, block.terms[q]))
            yield Equation(times(letter("log"), by_level), "=", [shared, *terms])


def _covariate(symbols: Symbols, block: Block, term: str, centered: bool) -> str:
    own = symbols.of_level(term, block)
    return row(sign("("), own, sign("−"), over(name(term), "¯"), sign(")")) if centered else own


def _effect(symbols: Symbols, block: Block, term: BlockTerm) -> str:
    """The effect of a level; those of all levels where these depend on each other."""
    if block.known is not None:
        return symbols.effects(block, term)
    return symbols.effect(block, term, by_row=False)


def _independent(symbols: Symbols, block: Block) -> Iterator[Equation]:
    for term in in_order(block):
        spread = _spread(symbols, block, term)
        if block.known is not None:
            spread = times(sup(spread, number(2)), name(block.known.name))
        effect = _effect(symbols, block, term)
        yield Equation(effect, IS_DISTRIBUTED, [call(name("Normal"), number(0), spread)])


# --- priors ---------------------------------------------------------------------------------------


def _priors(symbols: Symbols) -> Iterator[Equation]:
    spec = symbols.spec
    for p, predictor in enumerate(spec.predictors):
        if predictor.intercept is not None:
            yield _prior([_intercept(symbols, p)], predictor.intercept)
        yield from _runs(list(zip(symbols.coefficients(p), predictor.priors, strict=True)))
        for effect in predictor.monotonic:
            yield _prior([symbols.monotonic(p, effect)], effect.prior)
            yield _prior([symbols.simplex(p, effect)], Distribution("dirichlet", effect.simplex))
        for smooth in predictor.smooths:
            spread = symbols.wiggliness(p, smooth)
            normal = call(name("Normal"), number(0), spread)
            yield Equation(symbols.wiggly(p, smooth), IS_DISTRIBUTED, [normal])
            yield _prior([spread], smooth.prior, POSITIVE)
    for block in spec.blocks:
        spreads = [symbols.spread(block, term) for term in in_order(block)][: block.n_sd]
        yield from _runs(list(zip(spreads, (block.sd[q] for q in block.order), strict=False)), POSITIVE)
        if block.cor is not None:
            yield _prior([symbols.of_block("R", block)], Distribution("lkj", (block.cor,)))
        if block.structure is not None:
            yield _prior([symbols.of_block("ρ", block)], Distribution("uniform", (block.lowest_rho, 1.0)))
    for s, part in enumerate(spec.sds):
        yield from _runs(list(zip(symbols.sd_coefficients(s), part.priors, strict=True)))
    for support, run in groupby(spec.constants, key=lambda constant: constant.support):
        constants = [(_parameter(symbols, c.response, c.dpar), c.prior) for c in run]
        yield from _runs(constants, support)
    if spec.cortime is not None:
        yield _prior([sub(letter("R"), name("time"))], Distribution("lkj", (spec.cortime,)))
    if spec.rescor is not None:
        yield _prior([_residual_correlation()], Distribution("lkj", (spec.rescor,)))


def _intercept(symbols: Symbols, p: int) -> str:
    """The intercept that the prior is on: with centred columns the one at their means."""
    predictor, own = symbols.spec.predictors[p], symbols.coefficient(p, INTERCEPT)
    if not predictor.centered or not predictor.names:
        return own
    total = sub(sign("∑"), letter("k"))
    mean = sub(over(letter("x"), "¯"), letter("k"))
    return row(own, sign("+"), total, symbols.any_coefficient(p), mean)


def _runs(pairs: list[tuple[str, Distribution]], support: Support = Support.REAL) -> Iterator[Equation]:
    """One line per run of parameters with the same prior."""
    for distribution, run in groupby(pairs, key=lambda pair: pair[1]):
        yield _prior([symbol for symbol, _ in run], distribution, support)


def _prior(symbols: list[str], distribution: Distribution, support: Support = Support.REAL) -> Equation:
    left = listed(symbols)
    if is_flat(distribution):
        return Equation(call(letter("p"), left), "∝", [number(1)])
    return Equation(left, IS_DISTRIBUTED, [_distribution(distribution, support)])


def _distribution(distribution: Distribution, support: Support) -> str:
    """With a mark where the distribution goes on outside the parameter's range: ``+``, ``> 1``."""
    base = name(NAMES.get(distribution.name, distribution.name))
    if is_shrinkage(distribution):
        written = _arguments(distribution)
        return call(base, *([name(written)] if written else []))
    mark = CUT.get(support)
    within = support is POSITIVE and kind_of(distribution).support == "positive"
    return call(sup(base, mark) if mark and not within else base, *map(number, distribution.args))


def _arguments(distribution: Distribution) -> str:
    """What stands in the brackets of a prior as it was written."""
    return distribution.text.removesuffix(")").partition("(")[2]
