"""The model in mathematics, from its spec: likelihood, linear predictors, group effects and priors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from hmlm.results.report.mathml import (
    Equation,
    call,
    column,
    display,
    letter,
    listed,
    name,
    number,
    over,
    row,
    sign,
    sub,
    sup,
    times,
)
from hmlm.results.report.symbols import INTERCEPT, Symbols
from hmlm.spec.distribution import is_flat, kind_of
from hmlm.spec.spec import Block, BlockTerm, Monotonic, Spec
from hmlm.types import Distribution

NAMES = {
    "gaussian": "Normal",
    "normal": "Normal",
    "student_t": "Student-t",
    "cauchy": "Cauchy",
    "exponential": "Exponential",
    "gamma": "Gamma",
    "uniform": "Uniform",
    "lognormal": "LogNormal",
    "lkj": "LKJ",
    "dirichlet": "Dirichlet",
}
IS_DISTRIBUTED = "∼"


class Part(NamedTuple):
    """Some lines of the model under a title; ``mathml`` is a ``<math>`` element."""

    title: str
    mathml: str


def model_parts(spec: Spec, columns: tuple[str, ...]) -> tuple[Part, ...]:
    """The model in parts, each a block of MathML.

    Args:
        spec: the model.
        columns: the outcomes as the table calls them.
    """
    symbols = Symbols(spec, columns)
    parts = {
        "Likelihood": _likelihood(symbols),
        "Linear predictors": _predictors(symbols),
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
    if spec.rescor is not None:
        yield from _joint_likelihood(symbols)
        return
    for m in range(len(spec.outcomes)):
        parameters = [_parameter(symbols, m, dpar) for dpar in spec.family.dpars]
        yield Equation(symbols.outcome(m), IS_DISTRIBUTED, [call(_family(spec), *parameters)])


def _joint_likelihood(symbols: Symbols) -> Iterator[Equation]:
    """Outcomes whose residuals correlate."""
    outcomes = range(len(symbols.spec.outcomes))
    by_row = any(symbols.spec.sigma[m] is None for m in outcomes)
    matrix, spread = (sub(letter(x), letter("i")) if by_row else letter(x) for x in ("S", "D"))
    left = column([symbols.outcome(m) for m in outcomes])
    means = column([_parameter(symbols, m, "mu") for m in outcomes])
    yield Equation(left, IS_DISTRIBUTED, [call(name(f"Multivariate {_name(symbols.spec)}"), means, matrix)])
    yield Equation(matrix, "=", [row(spread, _residual_correlation(), spread)])
    sigmas = [_parameter(symbols, m, "sigma") for m in outcomes]
    yield Equation(spread, "=", [call(name("diag"), *sigmas)])


def _parameter(symbols: Symbols, m: int, dpar: str) -> str:
    return symbols.parameter(m, dpar, by_row=_predictor(symbols.spec, m, dpar) is not None)


def _predictor(spec: Spec, m: int, dpar: str) -> int | None:
    found = (p for p, known in enumerate(spec.predictors) if (known.response, known.dpar) == (m, dpar))
    return next(found, None)


def _family(spec: Spec) -> str:
    return name(_name(spec))


def _name(spec: Spec) -> str:
    return NAMES.get(spec.family.name, spec.family.name.replace("_", " ").capitalize())


def _residual_correlation() -> str:
    return sub(letter("R"), name("res"))


# --- linear predictors ----------------------------------------------------------------------------


def _predictors(symbols: Symbols) -> Iterator[Equation]:
    for p, predictor in enumerate(symbols.spec.predictors):
        parameter = symbols.parameter(predictor.response, predictor.dpar, by_row=True)
        left = linked(symbols.spec.family.link(predictor.dpar), parameter)
        yield Equation(left, "=", [*_population(symbols, p), *_varying(symbols, p)])


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
                yield times(symbols.effect(block, term, by_row=True), symbols.column(term.name))


def in_order(block: Block) -> list[BlockTerm]:
    """The terms as brms orders them: means first."""
    return [block.terms[q] for q in block.order]


# --- group effects --------------------------------------------------------------------------------


def _group_effects(symbols: Symbols) -> Iterator[Equation]:
    for block in symbols.spec.blocks:
        yield from _joint(symbols, block) if block.cor is not None else _independent(symbols, block)


def _joint(symbols: Symbols, block: Block) -> Iterator[Equation]:
    terms = in_order(block)
    effects = column([symbols.effect(block, term, by_row=False) for term in terms])
    matrix, spread, correlation = (symbols.of_block(base, block) for base in ("Σ", "T", "R"))
    yield Equation(effects, IS_DISTRIBUTED, [call(name("Normal"), number(0), matrix)])
    yield Equation(matrix, "=", [row(spread, correlation, spread)])
    yield Equation(spread, "=", [call(name("diag"), *(symbols.spread(block, term) for term in terms))])


def _independent(symbols: Symbols, block: Block) -> Iterator[Equation]:
    for term in in_order(block):
        spread = symbols.spread(block, term)
        effect = symbols.effect(block, term, by_row=False)
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
    for block in spec.blocks:
        spreads = [symbols.spread(block, term) for term in in_order(block)]
        yield from _runs(list(zip(spreads, (block.sd[q] for q in block.order), strict=True)), positive=True)
        if block.cor is not None:
            yield _prior([symbols.of_block("R", block)], Distribution("lkj", (block.cor,)))
    sigmas = [(_parameter(symbols, m, "sigma"), prior) for m, prior in enumerate(spec.sigma) if prior]
    yield from _runs(sigmas, positive=True)
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


def _runs(pairs: list[tuple[str, Distribution]], positive: bool = False) -> Iterator[Equation]:
    """One line per run of parameters with the same prior."""
    for distribution, run in groupby(pairs, key=lambda pair: pair[1]):
        yield _prior([symbol for symbol, _ in run], distribution, positive)


def _prior(symbols: list[str], distribution: Distribution, positive: bool = False) -> Equation:
    left = listed(symbols)
    if is_flat(distribution):
        return Equation(call(letter("p"), left), "∝", [number(1)])
    return Equation(left, IS_DISTRIBUTED, [_distribution(distribution, positive)])


def _distribution(distribution: Distribution, positive: bool) -> str:
    base = name(NAMES.get(distribution.name, distribution.name))
    cut = positive and kind_of(distribution).support != "positive"
    return call(sup(base, sign("+")) if cut else base, *map(number, distribution.args))
