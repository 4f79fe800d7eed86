"""Linear predictors, expected values and new outcomes of a fit, as brms's ``posterior_*`` functions.

Every kind of prediction is a function of first row and number of rows, from the linear predictors of its
distributional parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from hmlm.density.family_rows import mapped
from hmlm.density.links import LINKS, coordinate
from hmlm.density.precision import double_precision
from hmlm.density.residual_correlation import factor_of
from hmlm.results.prediction.chosen import chosen_terms
from hmlm.results.prediction.draws import Draws, some_positions
from hmlm.results.prediction.families import expected, level_probabilities, simulated, spread
from hmlm.results.prediction.linear import Linear, make_linear
from hmlm.results.prediction.new_levels import UNCERTAINTY, check_way, new_effects
from hmlm.results.prediction.prediction import CATEGORY, RESP, Prediction
from hmlm.results.prediction.repeated import OccasionResiduals, SharedResiduals, series_and_places
from hmlm.results.prediction.rows import Rows, new_rows, training_rows
from hmlm.results.prediction.series import AtRows, SeriesResiduals, previous_rows
from hmlm.results.prediction.truncated import BOUNDING, truncated
from hmlm.results.prediction.truncated_mean import MEANS, truncated_mean
from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.names import constant_name, cortime_names, rescor_names
from hmlm.spec.spec import AR, COSY, JOINT, RESCOR_DPAR, Spec
from hmlm.spec.support import Support
from hmlm.types import Design, HmlmError

Values = Callable[[int, int], Array]  # first row, R -> (R, S)

LINPRED, EPRED, PREDICT = "linpred", "epred", "predict"
SPREAD = "sd"  # of outcomes, what Pearson residuals are scaled by
SCALING = {"trials", "rate"}  # addition terms that the expected outcome depends on
SPREADING = {"se", "se_sigma"}  # those that only its spread depends on
SIGMA = "sigma"
KINDS = (LINPRED, EPRED, PREDICT)


@dataclass(frozen=True)
class Request:
    """What is asked for; see :meth:`hmlm.results.fit.Fit.epred`."""

    newdata: Any = None
    re_formula: Any = None
    resp: str | None = None
    dpar: str | None = None
    allow_new_levels: bool = False
    sample_new_levels: str = UNCERTAINTY
    ndraws: int | None = None
    seed: int = 0
    trials: float | None = None
    rate: float | None = None

    @property
    def instead(self) -> dict[str, float]:
        """Numbers that stand in for the formula's addition terms in all rows."""
        asked = {"trials": self.trials, "rate": self.rate}
        return {name: float(value) for name, value in asked.items() if value is not None}


def make_request(newdata: Any, options: Mapping[str, Any]) -> Request:
    """The request of a call.

    Raises:
        HmlmError: an unknown option, with the nearest one.
    """
    known = [field.name for field in fields(Request) if field.name != "newdata"]
    for name in options:
        if name not in known:
            hint = did_you_mean(name, [*known, "newdata", "summary", "prob"])
            raise HmlmError(f"a prediction has no option {name!r}{hint} (options: {', '.join(known)})")
    return Request(newdata, **options)


def make_prediction(
    kind: str,
    spec: Spec,
    design: Design,
    posterior: xr.Dataset,
    effects: Callable[[], Mapping[str, xr.DataArray]],
    request: Request,
) -> Prediction:
    """The prediction of a kind, ``"linpred"``, ``"epred"``, ``"predict"`` or ``"sd"``, that of outcomes.

    Args:
        kind: which.
        spec: the model.
        design: its matrices.
        posterior: parameters, dims (chain, draw).
        effects: makes the group effects; called only where some count.
        request: what is asked for.

    Raises:
        HmlmError: an unknown outcome, parameter or way, levels or columns that new data lack.
    """
    check_way(request.sample_new_levels)
    dpar = _dpar(spec, request.dpar)
    joint = dpar == RESCOR_DPAR and kind in (LINPRED, EPRED)
    outcomes = [JOINT] if joint else _outcomes(spec, request.resp)
    predictors = _predictors(spec, outcomes, dpar, kind)
    chosen = chosen_terms(spec, design, request.re_formula)
    rows = _rows(spec, design, request, predictors, chosen, kind)
    n = posterior.sizes["chain"] * posterior.sizes["draw"]
    positions = some_positions(n, request.ndraws, request.seed)
    draws = Draws(spec, posterior, effects() if rows.varying else {}, positions)
    with double_precision():
        in_series = series_and_places if spec.repeated else previous_rows
        series = in_series(design, request.newdata) if kind == PREDICT else None
        linears = _linears(spec, design, draws, rows, request)
        evaluate = _Evaluator(spec, draws, linears, rows, request.seed, series)
        values = evaluate.of(kind, outcomes, dpar)
    along, names = _axis(spec, outcomes, kind, dpar)
    levels = spec.family.levels if kind == PREDICT else ()
    return Prediction(kind, rows.labels, names, draws, values, along=along, levels=levels)


def _axis(spec: Spec, outcomes: list[int], kind: str, dpar: str | None) -> tuple[str, tuple[str, ...]]:
    """The dimension that a prediction has beside draws and rows, and what stands along it."""
    family = spec.family
    if dpar is None and kind == EPRED and family.levels:
        return CATEGORY, family.levels
    if dpar is None and kind == LINPRED and len(family.locations) > 1:
        return CATEGORY, family.levels[1:]
    return RESP, tuple(RESCOR_DPAR if m == JOINT else spec.outcomes[m] for m in outcomes)


def _outcomes(spec: Spec, resp: str | None) -> list[int]:
    if resp is None:
        return list(range(len(spec.outcomes)))
    if resp not in spec.outcomes:
        hint = did_you_mean(str(resp), spec.outcomes)
        raise HmlmError(f"resp={resp!r}: the model's outcomes are {listed(spec.outcomes)}{hint}")
    return [spec.outcomes.index(resp)]


def _dpar(spec: Spec, dpar: str | None) -> str | None:
    known = (*spec.family.modelled, *(() if spec.rescor_predictor is None else (RESCOR_DPAR,)))
    if dpar is not None and dpar not in known:
        raise HmlmError(f"dpar={dpar!r}: the family has {listed(known)}{did_you_mean(str(dpar), known)}")
    return dpar


def _predictors(spec: Spec, outcomes: list[int], dpar: str | None, kind: str) -> list[int]:
    """Those of the parameters that this kind of prediction reads."""
    if _reads_all(spec, dpar, kind):
        wanted = spec.family.dpars
    else:
        wanted = (dpar,) if dpar else spec.family.locations
    found = [p for p, one in enumerate(spec.predictors) if one.response in outcomes and one.dpar in wanted]
    return found + ([spec.rescor_predictor] if kind == PREDICT and spec.rescor_predictor is not None else [])


def _reads_all(spec: Spec, dpar: str | None, kind: str) -> bool:
    """Whether every distributional parameter counts: for new outcomes, and for means that are not just mu."""
    return kind in (PREDICT, SPREAD) or (kind == EPRED and dpar is None and not _mean_is_mu(spec))


def _mean_is_mu(spec: Spec) -> bool:
    """Whether mu is the expected outcome whatever the other parameters and addition terms are."""
    return spec.family.mean_is_mu and not any(set(names) & (SCALING | BOUNDING) for names in spec.additions)


def _rows(
    spec: Spec, design: Design, request: Request, predictors: list[int], chosen: Mapping, kind: str
) -> Rows:
    additions = _additions(spec, request, kind)
    if request.newdata is None:
        return training_rows(spec, design, predictors, chosen, request.instead)
    return new_rows(
        spec,
        design,
        request.newdata,
        predictors,
        chosen,
        allow_new=request.allow_new_levels,
        additions=additions,
        instead=request.instead,
    )


def _additions(spec: Spec, request: Request, kind: str) -> tuple[str, ...]:
    """The addition terms that new rows need.

    Raises:
        HmlmError: means or spreads of truncated outcomes of a family for which they have no closed form.
    """
    if kind == LINPRED or (kind == EPRED and request.dpar is not None):
        return ()
    truncated = any(set(names) & BOUNDING for names in spec.additions)
    if truncated and (kind == SPREAD or (kind == EPRED and spec.family.name not in MEANS)):
        raise HmlmError(
            f"{kind} of truncated {spec.family} outcomes is not available; predict, linpred, and "
            'epred(dpar="mu"), which is of the distribution before truncation, are'
        )
    spreading = SPREADING if truncated or kind in (PREDICT, SPREAD) else set()
    return tuple(sorted(SCALING | BOUNDING | spreading))


def _linears(
    spec: Spec, design: Design, draws: Draws, rows: Rows, request: Request
) -> dict[tuple[int, str], Linear]:
    """Linear predictors by outcome and parameter."""
    new: dict[tuple[int, int], np.ndarray] = {}
    for f, index in rows.index.items():
        if index.new:
            way, seed = request.sample_new_levels, request.seed
            new |= new_effects(spec, draws, f, index.new, way, seed, rows.levels, design.known)
    return {
        (spec.predictors[p].response, spec.predictors[p].dpar): make_linear(spec, p, draws, rows, new)
        for p in rows.population
    }


@dataclass(frozen=True)
class _Evaluator:
    spec: Spec
    draws: Draws
    linears: Mapping[tuple[int, str], Linear]
    rows: Rows
    seed: int
    series: np.ndarray | None = None

    def of(self, kind: str, outcomes: list[int], dpar: str | None) -> Callable[[int, int], Array]:
        """First row, R -> (M, R, S)."""
        if kind == PREDICT:
            if self.series is not None:
                return self._in_series()
            return self._predicted(outcomes) if self._together() else self._simulated(outcomes)
        if kind == EPRED and dpar is None and self.spec.family.levels:
            return self._of_family(0, lambda own, _, *rest: level_probabilities(own, *rest))
        if kind == SPREAD:
            parts = [self._of_family(m, lambda own, _, *rest: spread(own, *rest)) for m in outcomes]
        elif kind == EPRED and dpar is None and not _mean_is_mu(self.spec):
            parts = [self._expected(m) for m in outcomes]
        else:
            wanted = (dpar,) if dpar else self.spec.family.locations
            parts = [self._parameter(m, one, natural=kind == EPRED) for m in outcomes for one in wanted]
        return lambda start, size: jnp.stack([part(start, size) for part in parts])

    def _parameter(self, m: int, dpar: str, *, natural: bool = True) -> Values:
        """A distributional parameter, or its linear predictor; draws of a constant one are both."""
        if (m, dpar) not in self.linears:
            constant = jnp.asarray(self._constant(m, dpar))
            return lambda start, size: jnp.broadcast_to(constant, (size, len(constant)))
        linear = self.linears[m, dpar]
        inverse = self._inverse_link(m, dpar) if natural else lambda eta: eta
        return lambda start, size: inverse(linear(start, size))

    def _inverse_link(self, m: int, dpar: str) -> Callable[[Array], Array]:
        return jnp.tanh if m == JOINT else LINKS[self.spec.family.row_link(dpar)].inverse

    def _constant(self, m: int, dpar: str) -> np.ndarray:
        """(S,) draws of a parameter without a formula."""
        fixed = self.spec.family.parameter(dpar).fixed
        if fixed is not None:
            return np.full(self.draws.size, fixed)
        return self.draws[constant_name(self.spec, m, dpar)]

    def _etas(self, m: int) -> Callable[[int, int], dict[str, Array]]:
        """Linear predictors of all parameters of an outcome, constants as their xi."""
        family, parts = self.spec.family, {}
        for dpar in family.dpars:
            part = self._parameter(m, dpar, natural=False)
            known = (m, dpar) in self.linears
            parts[dpar] = part if known else _coordinates(part, family.parameter(dpar).support)
        return lambda start, size: {dpar: part(start, size) for dpar, part in parts.items()}

    def _of_family(self, m: int, what: Callable) -> Values:
        """What follows from an outcome's linear predictors: expected or new outcomes."""
        own, etas = mapped(self.spec, m), self._etas(m)
        additions = self.rows.additions[m]

        def values(start: int, size: int) -> Array:
            extra = {name: _some(rows, start, size) for name, rows in additions.items()}
            return what(own, start, etas(start, size), extra)

        return values

    def _expected(self, m: int) -> Values:
        """Means of an outcome, within the bounds of one that is truncated."""
        mean = truncated_mean if set(self.rows.additions[m]) & BOUNDING else expected
        return self._of_family(m, lambda own, _, *rest: mean(own, *rest))

    def _new_outcomes(self, m: int, key: Array) -> Values:
        draw = truncated if set(self.rows.additions[m]) & BOUNDING else simulated
        return self._of_family(m, lambda own, start, *rest: draw(own, key, start, *rest))

    def _together(self) -> bool:
        """Whether outcomes are drawn jointly: normal ones, whose residuals may correlate."""
        return self.spec.normal and not self.spec.family.log_outcome

    def _simulated(self, outcomes: list[int]) -> Callable[[int, int], Array]:
        keys = jax.random.split(jax.random.fold_in(jax.random.key(self.seed), 1), len(self.spec.outcomes))
        parts = [self._new_outcomes(m, keys[m]) for m in outcomes]
        return lambda start, size: jnp.stack([part(start, size) for part in parts])

    def _predicted(self, outcomes: list[int]) -> Callable[[int, int], Array]:
        means = [self._parameter(m, "mu") for m in outcomes]
        scales = [self._parameter(m, "sigma") for m in outcomes]
        noise = self._residual_noise(outcomes)

        def values(start: int, size: int) -> Array:
            mean = jnp.stack([part(start, size) for part in means])
            scale = jnp.stack([part(start, size) for part in scales])
            return mean + scale * noise(start, size)

        return values

    def _residual_noise(self, outcomes: list[int]) -> Values:
        """First row, R -> (M, R, S) residuals of unit scale that correlate."""
        key = jax.random.fold_in(jax.random.key(self.seed), 1)
        if self.spec.rescor_predictor is None:
            factor = jnp.asarray(self._residual_factor()[:, outcomes])
            return lambda start, size: _noise(key, start + np.arange(size), factor)
        independent = jnp.broadcast_to(jnp.eye(2), (self.draws.size, 2, 2))
        eta = self._parameter(JOINT, RESCOR_DPAR, natural=False)

        def noise(start: int, size: int) -> Array:
            rows = _noise(key, start + np.arange(size), independent)
            return jnp.sum(factor_of(eta(start, size))[jnp.array(outcomes)] * rows, axis=1)

        return noise

    def _in_series(self) -> Callable[[int, int], Array]:
        """Outcomes of the one that has series, whose residuals depend on each other."""
        mean, residuals = self._parameter(0, "mu"), self._residuals()
        return lambda start, size: (mean(start, size) + residuals(start, size))[None]

    def _residuals(self) -> Callable[[int, int], Array]:
        scale, own = self._sigma_at(), self._standard_normal(1)
        if self.spec.in_turn:
            rho = jnp.asarray(self.draws[constant_name(self.spec, 0, AR)])
            return SeriesResiduals(self.series, rho, self.spec.autocor.stationary, scale, own)
        if self.spec.cortime is None:
            rho = jnp.asarray(self.draws[constant_name(self.spec, 0, COSY)])
            return SharedResiduals(self.series, rho, scale, self._standard_normal(2), own)
        correlation = self.draws.correlation(cortime_names(self.spec), len(self.spec.times))
        return OccasionResiduals(self.series, jnp.linalg.cholesky(jnp.asarray(correlation)), scale, own)

    def _standard_normal(self, stream: int) -> AtRows:
        """(R, S) draws by row, the same whenever a row is asked for."""
        key, one = jax.random.fold_in(jax.random.key(self.seed), stream), jnp.ones((self.draws.size, 1, 1))
        return lambda rows: _noise(key, rows, one)[0]

    def _sigma_at(self) -> AtRows:
        """Standard deviations of any rows."""
        if (0, SIGMA) not in self.linears:
            constant = jnp.asarray(self.draws[constant_name(self.spec, 0, SIGMA)])
            return lambda rows: jnp.broadcast_to(constant, (len(rows), len(constant)))
        linear, inverse = self.linears[0, SIGMA], LINKS[self.spec.family.link(SIGMA)].inverse
        return lambda rows: inverse(linear.at(rows))

    def _residual_factor(self) -> np.ndarray:
        """(S, M, M) Cholesky factor of the residual correlation in every draw."""
        return np.linalg.cholesky(self.draws.correlation(rescor_names(self.spec), len(self.spec.outcomes)))


def _coordinates(part: Values, support: Support) -> Values:
    return lambda start, size: coordinate(part(start, size), support)


def _some(rows: np.ndarray, start: int, size: int) -> np.ndarray:
    """(size, 1) values of rows from ``start``, the last one repeated past the end."""
    return rows[np.minimum(np.arange(start, start + size), len(rows) - 1), None]


@jax.jit
def _noise(key: Array, rows: Array, factor: Array) -> Array:
    """(M, R, S) residuals of unit scale of (R,) rows; they do not depend on the chunk a row comes in."""
    shape = (factor.shape[0], factor.shape[2])
    draw = lambda row: jax.random.normal(jax.random.fold_in(key, row), shape, factor.dtype)
    noise = jax.vmap(draw)(rows)
    return jnp.einsum("smk,rsk->mrs", factor, noise, precision=jax.lax.Precision.HIGHEST)
