"""The figures of a report: those of ``fit.plot`` that fit the model, with captions and alt text."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from hmlm.density.laws.registry import law_of
from hmlm.results.plots.choose import predictor_index
from hmlm.results.plots.parts import varying
from hmlm.results.report.symbols import INTERCEPT
from hmlm.results.report.words import count, listed
from hmlm.spec.names import cor_names, rescor_names
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmlm.results.fit import Fit

DOTS_PER_INCH = 200
PIXELS_PER_INCH = 96  # of a page
SECTIONS = ("Model against data", "Coefficients", "Group effects", "Sampler")
DATA, COEFFICIENTS, GROUPS, SAMPLER = SECTIONS


class Planned(NamedTuple):
    """A figure to be drawn: its section, caption, what it shows in words, and who draws it."""

    section: str
    caption: str
    alt: str
    draw: Callable[[], Figure]


class Drawn(NamedTuple):
    """A figure of the page: ``source`` is a data address, width and height are in the page's pixels."""

    section: str
    caption: str
    alt: str
    source: str
    width: int
    height: int


class Figures(NamedTuple):
    """What was drawn, and why what fits the model could not be."""

    drawn: tuple[Drawn, ...]
    reasons: tuple[str, ...]


def make_figures(fit: Fit, spec: Spec, columns: tuple[str, ...], prob: float) -> Figures:
    """Every figure that fits the model; one that cannot be drawn becomes a sentence."""
    drawn, reasons = [], []
    for planned in plan_figures(fit, spec, columns, prob):
        try:
            drawn.append(_drawn(planned))
        except HmlmError as error:
            reasons.append(f"Without “{planned.caption.partition('. ')[0].rstrip('.')}”: {error}.")
    return Figures(tuple(drawn), tuple(reasons))


def plan_figures(fit: Fit, spec: Spec, columns: tuple[str, ...], prob: float) -> Iterator[Planned]:
    """The figures in the page's order."""
    for m, column in enumerate(columns):
        yield from _of_outcome(fit, spec, spec.outcomes[m], column)
    yield from _of_coefficients(fit, spec, prob)
    for f in range(len(spec.factors)):
        yield _caterpillar(fit, spec, f, prob)
    for m, column in enumerate(columns):
        yield from _of_levels(fit, spec, m, column, prob)
    if any(cor_names(spec, block) for block in spec.blocks) or rescor_names(spec) or spec.times:
        yield _correlations(fit, prob)
    yield from _of_sampler(fit)


def _of_outcome(fit: Fit, spec: Spec, outcome: str, column: str) -> Iterator[Planned]:
    counts = law_of(spec.family).discrete
    leaves = "a bar leaves its blue interval" if counts else "the black line leaves the blue ones"
    shown = (
        f"Bars of the rows with each value of {column}, with intervals of data sets drawn from the model."
        if counts
        else f"Density of the observed {column} in black over densities of 50 data sets drawn from the model."
    )
    yield Planned(
        DATA,
        f"Posterior predictive check of {column}. Where {leaves}, the model misses something about the data.",
        shown,
        lambda: fit.plot.pp_check(resp=outcome),
    )
    yield Planned(
        DATA,
        f"Residuals of {column} and normality of the group effects. Flat lines above and points on the "
        "diagonal below are what the model assumes.",
        f"Residuals of {column} against expected values, their spread, and normal quantiles of residuals and "
        "group effects.",
        lambda: fit.plot.check(resp=outcome),
    )


def _of_coefficients(fit: Fit, spec: Spec, prob: float) -> Iterator[Planned]:
    if any(predictor.names or predictor.intercept for predictor in spec.predictors):
        yield Planned(
            COEFFICIENTS,
            f"Population-level coefficients with 66% and {100 * prob:g}% intervals.",
            "Density, intervals and mean of each population-level coefficient, a panel per linear predictor; "
            "the numbers are those of the table of population-level coefficients.",
            fit.plot.coefficients,
        )
    if any(set(predictor.names) - {INTERCEPT} for predictor in spec.predictors if predictor.dpar == "mu"):
        yield Planned(
            COEFFICIENTS,
            f"Expected outcome along each predictor, for an average level, with {100 * prob:g}% intervals. "
            "The other predictors stand at their means or first categories.",
            "Expected outcome with its interval along each predictor and interaction of the formula.",
            lambda: fit.plot.conditional(prob=prob),
        )


def _caterpillar(fit: Fit, spec: Spec, f: int, prob: float) -> Planned:
    factor = spec.factors[f]
    n = count(factor.n_levels)
    return Planned(
        GROUPS,
        f"Effects of the {n} levels of {factor.name}, deviations from the population level, sorted, with "
        f"{100 * prob:g}% intervals.",
        f"For each varying coefficient the {n} effects of {factor.name} in ascending order with intervals.",
        lambda: fit.plot.caterpillar(group=factor.name, prob=prob),
    )


def _of_levels(fit: Fit, spec: Spec, m: int, column: str, prob: float) -> Iterator[Planned]:
    """Location against scale, ranked sigma and shrinkage, by each factor for which they are."""
    mean, scale = predictor_index(spec, m, "mu"), predictor_index(spec, m, "sigma")
    of_mean = {} if mean is None else varying(spec, mean)
    of_scale = {} if scale is None else varying(spec, scale)
    for factor, terms in of_scale.items():
        if INTERCEPT in terms:
            yield _ranked_sigma(fit, spec.outcomes[m], column, factor, prob)
            if INTERCEPT in of_mean.get(factor, []):
                yield _location_scale(fit, spec.outcomes[m], column, factor, prob)
    for factor, terms in of_mean.items():
        if len(terms) > 1 and spec.family.links[0] == "identity":
            yield _shrinkage(fit, spec.outcomes[m], column, factor, terms)


def _location_scale(fit: Fit, outcome: str, column: str, factor: str, prob: float) -> Planned:
    return Planned(
        GROUPS,
        f"Location against scale: the mean of {column} and its residual spread, a point per level of "
        f"{factor}.",
        f"Scatter of each {factor}’s deviation in the mean of {column} against the ratio of its sigma to the "
        "average one, with intervals and the line that the model’s correlation implies.",
        lambda: fit.plot.location_scale(group=factor, resp=outcome, prob=prob),
    )


def _ranked_sigma(fit: Fit, outcome: str, column: str, factor: str, prob: float) -> Planned:
    return Planned(
        GROUPS,
        f"Levels of {factor} by their residual standard deviation of {column}, with {100 * prob:g}% "
        "intervals.",
        f"The residual standard deviations of the levels of {factor} in ascending order with intervals.",
        lambda: fit.plot.ranked_sigma(group=factor, resp=outcome, prob=prob),
    )


def _shrinkage(fit: Fit, outcome: str, column: str, factor: str, terms: list[str]) -> Planned:
    return Planned(
        GROUPS,
        f"Shrinkage of {listed(terms[:2])} of {column}: each level of {factor} fitted alone, and as the "
        "model pools it.",
        f"Plane of two coefficients: a line per level of {factor} from its own estimate to the pooled one, "
        "with ellipses that hold 50% and 90% of the population of levels.",
        lambda: fit.plot.shrinkage(group=factor, resp=outcome),
    )


def _correlations(fit: Fit, prob: float) -> Planned:
    return Planned(
        GROUPS,
        "Correlations before and after the data: prior (dashed) and posterior (filled).",
        "Density of each correlation under its prior and its posterior, a panel each; the numbers are those "
        "of the table of correlations.",
        lambda: fit.plot.correlation_prior(prob=prob),
    )


def _of_sampler(fit: Fit) -> Iterator[Planned]:
    if fit.info.approximate:
        return
    yield Planned(
        SAMPLER,
        "Draws by chain of the parameters that mixed worst. Good chains lie on top of each other "
        "without trend.",
        "Densities and draws in order by chain of up to six parameters.",
        fit.plot.trace,
    )
    if fit.posterior.sizes["chain"] > 1:
        yield Planned(
            SAMPLER,
            "Ranks of the draws by chain, flat where the chains agree.",
            "Histograms of ranks of up to six parameters, a row of bars per chain.",
            fit.plot.rank,
        )
    if "energy" in fit.sample_stats:
        yield Planned(
            SAMPLER,
            "Energies and their changes from draw to draw; they should overlap.",
            "Density of the energies and of their changes.",
            fit.plot.energy,
        )


def _drawn(planned: Planned) -> Drawn:
    figure, buffer = planned.draw(), io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    width, height = (round(PIXELS_PER_INCH * inches) for inches in figure.get_size_inches())
    source = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
    return Drawn(planned.section, planned.caption, planned.alt, source, width, height)
