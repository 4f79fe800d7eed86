"""A whole maximum-likelihood run: surface, climb, estimates, and what each took."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hmlm.density.pilot import fit_pilot
from hmlm.density.surface import Surface, make_surface
from hmlm.infer.estimate import Estimates, estimate
from hmlm.infer.maximum import Maximum, maximise
from hmlm.spec.spec import Spec
from hmlm.types import Design, HmlmError


@dataclass(frozen=True)
class LikelihoodRun:
    """What climbing gave.

    Attributes:
        surface: that was climbed.
        maximum: its highest point.
        estimates: there, by name.
        seconds: wall-clock seconds of ``compile`` and ``climb``.
    """

    surface: Surface
    maximum: Maximum
    estimates: Estimates
    seconds: dict[str, float]


def maximise_likelihood(spec: Spec, design: Design, *, restricted: bool) -> LikelihoodRun:
    """Maximise the marginal likelihood, or with ``restricted`` lme4's REML criterion.

    Raises:
        HmlmError: effects that cannot be integrated out, collinear columns, monotonic effects,
            smooth functions, or residuals in series.
    """
    _check_linear(spec)
    begin = time.perf_counter()
    surface = make_surface(spec, design, fit_pilot(spec, design), restricted=restricted)
    surface.at(surface.start)
    compiled = time.perf_counter()
    maximum = maximise(surface)
    estimates = estimate(surface, maximum)
    seconds = {"compile": compiled - begin, "climb": time.perf_counter() - compiled}
    return LikelihoodRun(surface, maximum, estimates, seconds)


def _check_linear(spec: Spec) -> None:
    if spec.autocor is not None:
        raise HmlmError(
            f'{spec.autocor.term} has no maximum-likelihood fit here: sample it, fit(algorithm="nuts"); '
            "marginal_log_lik gives the likelihood itself"
        )
    for block in spec.blocks:
        if block.structure is not None:
            raise HmlmError(
                f"{block.structure.value}() has no maximum-likelihood fit here: sample the model, m.fit(), "
                "or write (x | group), whose correlations are free"
            )
    for predictor in spec.predictors:
        if predictor.smooths:
            raise HmlmError(
                "s() has no maximum-likelihood fit here: sample the model, m.fit(), or write a spline of "
                "fixed degrees of freedom, ns(x, df = 4)"
            )
        for effect in predictor.monotonic:
            column = effect.name.removeprefix("mo")
            raise HmlmError(
                f"the steps of mo({column}) have one sign, and a climb of the likelihood has no bounds: "
                f"sample the model, m.fit(), or write factor({column})"
            )
