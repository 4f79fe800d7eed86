"""A ``Fit`` of draws from the prior: what is read from a posterior can be read from it."""

from __future__ import annotations

import time

import xarray as xr

from hmlm.density.prior_draws import prior_effects, prior_parameters
from hmlm.results.assemble import info_of, observed_outcomes, with_draws
from hmlm.results.effect_arrays import effect_arrays
from hmlm.results.fit import Fit, Refit
from hmlm.results.info import PRIOR
from hmlm.results.statement import Statement
from hmlm.results.stored import Stored
from hmlm.spec.spec import Spec
from hmlm.types import Design


def assemble_prior(spec: Spec, design: Design, statement: Statement, refit_fn: Refit | None = None) -> Fit:
    """One chain of independent draws from the prior; ``refit_fn`` as for :func:`assemble`.

    Raises:
        PriorError: a flat prior.
    """
    settings, start = statement.settings, time.perf_counter()
    drawn = prior_parameters(spec, design, settings.draws, settings.seed)
    posterior = with_draws({name: values[None] for name, values in drawn.items()})

    def effects() -> dict[str, xr.DataArray]:
        blocks = prior_effects(spec, design, settings.draws, settings.seed)
        return effect_arrays(spec, tuple(u[None] for u in blocks))

    stored = Stored(spec, design, statement, posterior, effects)
    info = info_of(
        spec,
        design,
        statement.data_name,
        algorithm=PRIOR,
        chains=1,
        warmup=0,
        draws=settings.draws,
        seed=settings.seed,
        density="",
        seconds=(("sampling", time.perf_counter() - start),),
        max_tree_depth=settings.max_tree_depth,
    )
    return Fit(
        info=info,
        posterior=posterior,
        sample_stats=with_draws({}).assign_coords(posterior.coords),
        effects_fn=effects,
        observed=observed_outcomes(design),
        log_lik_fn=stored.likelihood.log_lik,
        row_blocks_fn=stored.likelihood.row_blocks,
        spec=spec,
        design=design,
        statement=statement,
        refit_fn=refit_fn,
    )
