"""Linear predictors, expected values and new outcomes of a fit, as brms's ``posterior_*`` functions.

Every kind of prediction is a function of first row and number of rows, from the linear predictors of its
distributional parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from hmlm.density.precision import double_precision
from hmlm.results.prediction.chosen import chosen_terms
from hmlm.results.prediction.draws import Draws, some_positions
from hmlm.results.prediction.linear import Linear, make_linear
from hmlm.results.prediction.links import INVERSE_LINKS
from hmlm.results.prediction.new_levels import UNCERTAINTY, check_way, new_effects
from hmlm.results.prediction.prediction import Prediction
from hmlm.results.prediction.rows import Rows, new_rows, training_rows
from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.names import rescor_names, sigma_name
from hmlm.spec.spec import Spec
from hmlm.types import Design, HmlmError

Values = Callable[[int, int], Array]  # first row, R -> (R, S)

LINPRED, EPRED, PREDICT = "linpred", "epred", "predict"
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
    """The prediction of a kind, ``"linpred"``, ``"epred"`` or ``"predict"``.

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
    outcomes = _outcomes(spec, request.resp)
    dpar = _dpar(spec, request.dpar)
    predictors = _predictors(spec, outcomes, dpar, kind)
    chosen = chosen_terms(spec, design, request.re_formula)
    rows = _rows(spec, design, request, predictors, chosen)
    n = posterior.sizes["chain"] * posterior.sizes["draw"]
    positions = some_positions(n, request.ndraws, request.seed)
    draws = Draws(spec, posterior, effects() if rows.varying else {}, positions)
    with double_precision():
        evaluate = _Evaluator(spec, draws, _linears(spec, draws, rows, request), request.seed)
        values = evaluate.of(kind, outcomes, dpar)
    return Prediction(kind, rows.labels, tuple(spec.outcomes[m] for m in outcomes), draws, values)


def _outcomes(spec: Spec, resp: str | None) -> list[int]:
    if resp is None:
        return list(range(len(spec.outcomes)))
    if resp not in spec.outcomes:
        hint = did_you_mean(str(resp), spec.outcomes)
        raise HmlmError(f"resp={resp!r}: the model's outcomes are {listed(spec.outcomes)}{hint}")
    return [spec.outcomes.index(resp)]


def _dpar(spec: Spec, dpar: str | None) -> str | None:
    if dpar is not None and dpar not in spec.family.dpars:
        hint = did_you_mean(str(dpar), spec.family.dpars)
        raise HmlmError(f"dpar={dpar!r}: the family has {listed(spec.family.dpars)}{hint}")
    return dpar


def _predictors(spec: Spec, outcomes: list[int], dpar: str | None, kind: str) -> list[int]:
    """Those of the parameters that this kind of prediction reads."""
    wanted = spec.family.dpars if kind == PREDICT else (dpar or "mu",)
    return [p for p, one in enumerate(spec.predictors) if one.response in outcomes and one.dpar in wanted]


def _rows(spec: Spec, design: Design, request: Request, predictors: list[int], chosen: Mapping) -> Rows:
    if request.newdata is None:
        return training_rows(spec, design, predictors, chosen)
    allow = request.allow_new_levels
    return new_rows(spec, design, request.newdata, predictors, chosen, allow_new=allow)


def _linears(spec: Spec, draws: Draws, rows: Rows, request: Request) -> dict[tuple[int, str], Linear]:
    """Linear predictors by outcome and parameter."""
    new: dict[tuple[int, int], np.ndarray] = {}
    for f, index in rows.index.items():
        if index.new:
            new |= new_effects(spec, draws, f, index.new, request.sample_new_levels, request.seed)
    return {
        (spec.predictors[p].response, spec.predictors[p].dpar): make_linear(spec, p, draws, rows, new)
        for p in rows.population
    }


@dataclass(frozen=True)
class _Evaluator:
    spec: Spec
    draws: Draws
    linears: Mapping[tuple[int, str], Linear]
    seed: int

    def of(self, kind: str, outcomes: list[int], dpar: str | None) -> Callable[[int, int], Array]:
        """First row, R -> (M, R, S)."""
        if kind == PREDICT:
            return self._predicted(outcomes)
        parts = [self._parameter(m, dpar or "mu", natural=kind == EPRED) for m in outcomes]
        return lambda start, size: jnp.stack([part(start, size) for part in parts])

    def _parameter(self, m: int, dpar: str, *, natural: bool = True) -> Values:
        """A distributional parameter, or its linear predictor; draws of a constant one are both."""
        if (m, dpar) not in self.linears:
            constant = jnp.asarray(self.draws[sigma_name(self.spec, m)])
            return lambda start, size: jnp.broadcast_to(constant, (size, len(constant)))
        linear = self.linears[m, dpar]
        inverse = INVERSE_LINKS[self.spec.family.link(dpar)] if natural else lambda eta: eta
        return lambda start, size: inverse(linear(start, size))

    def _predicted(self, outcomes: list[int]) -> Callable[[int, int], Array]:
        means = [self._parameter(m, "mu") for m in outcomes]
        scales = [self._parameter(m, "sigma") for m in outcomes]
        factor = jnp.asarray(self._residual_factor()[:, outcomes])
        key = jax.random.fold_in(jax.random.key(self.seed), 1)

        def values(start: int, size: int) -> Array:
            mean = jnp.stack([part(start, size) for part in means])
            scale = jnp.stack([part(start, size) for part in scales])
            return mean + scale * _noise(key, start, factor, size=size)

        return values

    def _residual_factor(self) -> np.ndarray:
        """(S, M, M) Cholesky factor of the residual correlation in every draw."""
        return np.linalg.cholesky(self.draws.correlation(rescor_names(self.spec), len(self.spec.outcomes)))


@partial(jax.jit, static_argnames="size")
def _noise(key: Array, start: int, factor: Array, *, size: int) -> Array:
    """(M, size, S) residuals of unit scale; those of a row do not depend on the chunk it comes in."""
    shape = (factor.shape[0], factor.shape[2])
    draw = lambda row: jax.random.normal(jax.random.fold_in(key, row), shape, factor.dtype)
    noise = jax.vmap(draw)(start + jnp.arange(size))
    return jnp.einsum("smk,rsk->mrs", factor, noise, precision=jax.lax.Precision.HIGHEST)
