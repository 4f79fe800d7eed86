"""A ``Fit`` of an approximation: one chain of independent draws, or the one point of a mode."""

from __future__ import annotations

from hmlm.density.draws import named_draws
from hmlm.density.explain import treatment_lines
from hmlm.density.log_density import LogDensity
from hmlm.infer.approximate.approximation import LAPLACE, MAP, PATHFINDER, SVI, Approximation
from hmlm.results import info as names
from hmlm.results.assemble import info_of, observed_outcomes, posterior_of, with_draws
from hmlm.results.effect_arrays import effect_arrays
from hmlm.results.fit import Fit, Refit
from hmlm.results.likelihood import Likelihood
from hmlm.results.statement import Statement
from hmlm.types import Design

NAMES = {MAP: names.MAP, LAPLACE: names.LAPLACE, PATHFINDER: names.PATHFINDER, SVI: names.SVI}


def assemble_approximation(
    density: LogDensity,
    design: Design,
    found: Approximation,
    statement: Statement,
    refit_fn: Refit | None = None,
) -> Fit:
    """The fit of an approximation; at a mode effects that were integrated out are at their means."""
    settings = statement.settings
    seed = None if settings.algorithm == MAP else settings.seed
    draws = named_draws(density, found.position[None], seed)
    likelihood = Likelihood(lambda: density, design, draws, settings.seed)
    info = info_of(
        density.spec,
        design,
        statement.data_name,
        algorithm=NAMES[settings.algorithm],
        chains=1,
        warmup=0,
        draws=len(found.position),
        seed=settings.seed,
        density="; ".join(treatment_lines(density.spec, density.plan)),
        seconds=(("all", found.seconds),),
        max_tree_depth=settings.max_tree_depth,
        khat=found.khat,
        resampled=found.resampled,
    )
    return Fit(
        info=info,
        posterior=posterior_of(density, draws),
        sample_stats=with_draws({"lp": found.log_density[None]}),
        effects_fn=lambda: effect_arrays(density.spec, draws.effects_fn()),
        observed=observed_outcomes(design),
        log_lik_fn=likelihood.log_lik,
        row_blocks_fn=likelihood.row_blocks,
        spec=density.spec,
        design=design,
        statement=statement,
        refit_fn=refit_fn,
    )
