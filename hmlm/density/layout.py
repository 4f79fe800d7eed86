"""Where each parameter stands in the one unconstrained vector that samplers see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from hmlm.density.correlation import n_correlations
from hmlm.density.plan import Plan
from hmlm.spec.distribution import FLAT
from hmlm.spec.shrinkage import is_shrinkage
from hmlm.spec.spec import Block, Spec
from hmlm.spec.support import Support
from hmlm.types import Distribution

FEW_LEVELS = 10


@dataclass(frozen=True)
class Span:
    """Half-open range of coordinates."""

    start: int
    stop: int

    @property
    def slice(self) -> slice:
        """As a Python slice."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Run:
    """Neighbouring coordinates with one prior, one bound and one map to the real line.

    Attributes:
        span: where they stand.
        prior: of each of them.
        support: where they may lie.
        between: whether they are standard deviations between groups, mapped by a scaled softplus. Between
            fewer than ``FEW_LEVELS`` their upper tail is heavy, which exp takes better.
    """

    span: Span
    prior: Distribution
    support: Support
    between: bool


@dataclass(frozen=True)
class Layout:
    """Coordinates of every parameter; population-level ones first, group effects last.

    Attributes:
        intercept: per predictor, one coordinate or an empty span.
        b: per predictor, K coordinates; of D steps of a monotonic effect its b and D - 1 log ratios;
            wiggly coefficients of smooth functions last.
        constants: per distributional parameter without a formula, one coordinate; not thresholds.
        sd: per block, Q coordinates in the order of its terms, or one for all of them.
        gamma: per predictor of standard deviations, W coordinates.
        sds: per smooth function, one coordinate.
        thresholds: the first threshold and the logarithms of the gaps between them, or an empty span.
        cor: per block, Q (Q - 1) / 2 coordinates, one of a structure, or an empty span.
        rescor: M (M - 1) / 2 coordinates or an empty span.
        cortime: T (T - 1) / 2 coordinates or an empty span.
        effects: per block, n x J coordinates of the n coefficients that are sampled, one after another.
        shrinkage: per predictor, what its shrinkage prior is made of, or an empty span.
        runs: the scalars (intercept, b, constants, sd, gamma, sds, shrinkage) as runs of equal prior.
        n_scalars: coordinates of those scalars; they come first.
        n_population: coordinates before the first group effect.
        size: D.
    """

    intercept: tuple[Span, ...]
    b: tuple[Span, ...]
    constants: tuple[Span, ...]
    sd: tuple[Span, ...]
    gamma: tuple[Span, ...]
    sds: tuple[Span, ...]
    shrinkage: tuple[Span, ...]
    thresholds: Span
    cor: tuple[Span, ...]
    rescor: Span
    cortime: Span
    effects: tuple[Span, ...]
    runs: tuple[Run, ...]
    n_scalars: int
    n_population: int
    size: int


def make_layout(spec: Spec, plan: Plan) -> Layout:
    """The layout of a spec under a plan."""
    cursor = _Cursor()
    intercept, b = [], []
    for predictor in spec.predictors:
        intercept.append(cursor.take(0 if predictor.intercept is None else 1))
        b.append(cursor.take(predictor.n_columns))
    constants = [cursor.take(1) for _ in spec.scalars]
    sd = [cursor.take(block.n_sd) for block in spec.blocks]
    gamma = [cursor.take(len(part.names)) for part in spec.sds]
    sds = [cursor.take(1) for predictor in spec.predictors for _ in predictor.smooths]
    shrinkage = [cursor.take(len(p.shrinkage.coordinates) if p.shrinkage else 0) for p in spec.predictors]
    n_scalars = cursor.position
    thresholds = cursor.take(len(spec.thresholds))
    cor = [cursor.take(_n_cor(block)) for block in spec.blocks]
    rescor = cursor.take(0 if spec.rescor is None else n_correlations(len(spec.outcomes)))
    cortime = cursor.take(0 if spec.cortime is None else n_correlations(len(spec.times)))
    n_population = cursor.position
    effects = [
        cursor.take(part.n_sampled * spec.factors[block.factor].n_levels)
        for block, part in zip(spec.blocks, plan.blocks, strict=True)
    ]
    return Layout(
        intercept=tuple(intercept),
        b=tuple(b),
        constants=tuple(constants),
        sd=tuple(sd),
        gamma=tuple(gamma),
        sds=tuple(sds),
        shrinkage=tuple(shrinkage),
        thresholds=thresholds,
        cor=tuple(cor),
        rescor=rescor,
        cortime=cortime,
        effects=tuple(effects),
        runs=tuple(_runs(_scalar_priors(spec))),
        n_scalars=n_scalars,
        n_population=n_population,
        size=cursor.position,
    )


def _n_cor(block: Block) -> int:
    """Coordinates of a block's correlations: one of a structure, whose rho makes them all."""
    if block.structure is not None:
        return 1
    return 0 if block.cor is None else n_correlations(block.size)


class _Cursor:
    def __init__(self) -> None:
        self.position = 0

    def take(self, size: int) -> Span:
        start = self.position
        self.position += size
        return Span(start, self.position)


def _scalar_priors(spec: Spec) -> Iterator[tuple[Distribution, Support, bool]]:
    """Prior, support and ``between`` of every scalar."""
    for predictor in spec.predictors:
        if predictor.intercept is not None:
            yield predictor.intercept, Support.REAL, False
        # Of coefficients that are shrunk: the prior of their coordinates depends on other parameters.
        alone = (FLAT if is_shrinkage(prior) else prior for prior in predictor.priors)
        yield from ((prior, Support.REAL, False) for prior in alone)
        for effect in predictor.monotonic:
            yield effect.prior, Support.REAL, False
            yield from [(FLAT, Support.REAL, False)] * (effect.size - 1)
        for smooth in predictor.smooths:
            yield from [(FLAT, Support.REAL, False)] * smooth.size
    yield from ((constant.prior, constant.support, False) for constant in spec.scalars)
    for block in spec.blocks:
        many = spec.factors[block.factor].n_levels >= FEW_LEVELS
        yield from ((prior, Support.POSITIVE, many) for prior in block.sd[: block.n_sd])
    yield from ((prior, Support.REAL, False) for part in spec.sds for prior in part.priors)
    for smooth in (smooth for predictor in spec.predictors for smooth in predictor.smooths):
        yield smooth.prior, Support.POSITIVE, smooth.size >= FEW_LEVELS
    shared = (predictor.shrinkage for predictor in spec.predictors if predictor.shrinkage)
    yield from ((*coordinate, False) for shrinkage in shared for coordinate in shrinkage.coordinates)


def _runs(scalars: Iterable[tuple[Distribution, Support, bool]]) -> Iterator[Run]:
    start = 0
    for (prior, support, between), members in groupby(scalars):
        stop = start + sum(1 for _ in members)
        yield Run(Span(start, stop), prior, support, between)
        start = stop
