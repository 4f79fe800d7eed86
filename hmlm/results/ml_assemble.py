"""From a climb of the likelihood to an ``MlFit``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd
import xarray as xr

from hmlm.infer.intervals import profile_intervals
from hmlm.infer.likelihood_fit import LikelihoodRun
from hmlm.results.assemble import family_line, formula_lines, link_lines
from hmlm.results.effect_arrays import effect_arrays
from hmlm.results.info import Row
from hmlm.results.ml_fit import MlFit
from hmlm.results.ml_info import MlInfo, VarianceRow
from hmlm.spec.names import cor_names, rescor_names, sd_names, sigma_name, summary_rows
from hmlm.spec.spec import Spec
from hmlm.types import Design


def assemble_ml(run: LikelihoodRun, spec: Spec, design: Design, data_name: str) -> MlFit:
    """The fit of a finished climb."""
    rows = tuple(Row(*row) for row in summary_rows(spec))
    names = [row.variable for row in rows]
    estimates = run.estimates
    covariance = pd.DataFrame(estimates.covariance, index=estimates.names, columns=estimates.names)
    return MlFit(
        info=_info(run, spec, design, data_name, rows),
        params=pd.Series(estimates.values, index=estimates.names, name="estimate")[names],
        vcov=covariance.loc[names, names],
        loglik=-run.maximum.point.value,
        observed=xr.Dataset({o.name: ("row", o.values) for o in design.outcomes}, {"row": design.rows}),
        effects_fn=_effects_fn(run, spec),
        profile_fn=_profile_fn(run),
    )


def _info(run: LikelihoodRun, spec: Spec, design: Design, data_name: str, rows: tuple[Row, ...]) -> MlInfo:
    estimates = run.estimates
    return MlInfo(
        family=family_line(spec),
        links=link_lines(spec),
        formulas=formula_lines(design.formula),
        data_name=data_name,
        n_rows=design.n_rows,
        n_dropped=design.n_dropped,
        factors=tuple((factor.name, factor.n_levels) for factor in spec.factors),
        rows=rows,
        restricted=run.surface.restricted,
        fixed=tuple(name for name, own in zip(estimates.names, estimates.fixed, strict=True) if own),
        variances=tuple(_variances(spec)),
        converged=run.maximum.converged,
        rise=run.maximum.rise,
        flat=run.maximum.flat,
        singular=estimates.singular,
        seconds=tuple(run.seconds.items()),
    )


def _variances(spec: Spec) -> Iterator[VarianceRow]:
    for block in spec.blocks:
        group, sds = spec.factors[block.factor].name, sd_names(spec, block)
        coefficients = [name.removeprefix(f"sd_{group}__") for name in sds]
        for name, coefficient in zip(sds, coefficients, strict=True):
            yield VarianceRow(group, coefficient, None, name, (name, name))
        for name, i, j in cor_names(spec, block):
            yield VarianceRow(group, coefficients[i], coefficients[j], name, (name, sds[i], sds[j]))
    sigmas = [None if prior is None else sigma_name(spec, m) for m, prior in enumerate(spec.sigma)]
    outcomes = spec.outcomes if spec.multivariate else (None,)
    for name, outcome in zip(sigmas, outcomes, strict=True):
        if name is not None:
            yield VarianceRow("Residual", outcome, None, name, (name, name))
    for name, i, j in rescor_names(spec):
        if sigmas[i] is not None and sigmas[j] is not None:
            yield VarianceRow("Residual", outcomes[i], outcomes[j], name, (name, sigmas[i], sigmas[j]))


def _effects_fn(
    run: LikelihoodRun, spec: Spec
) -> Callable[[], tuple[Mapping[str, xr.DataArray], Mapping[str, xr.DataArray]]]:
    def effects() -> tuple[Mapping[str, xr.DataArray], Mapping[str, xr.DataArray]]:
        found = run.surface.effects(run.maximum.point)
        means, sds = (tuple(pair[i].T[None, None] for pair in found) for i in (0, 1))
        return effect_arrays(spec, means), effect_arrays(spec, sds)

    return effects


def _profile_fn(run: LikelihoodRun) -> Callable[[Sequence[str], float], Mapping[str, tuple[float, float]]]:
    def profile(names: Sequence[str], level: float) -> Mapping[str, tuple[float, float]]:
        return profile_intervals(run.surface, run.maximum, names, level)

    return profile
