"""From a run of the sampler to a ``Fit``: names, dimensions and the facts beside the draws."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import xarray as xr

from hmlm.density.draws import NamedDraws
from hmlm.density.explain import treatment_lines
from hmlm.density.log_density import LogDensity
from hmlm.formula.sd import sd_text
from hmlm.infer.driver import Run
from hmlm.infer.integrator import gradients_per_step
from hmlm.infer.keep import what_to_keep
from hmlm.infer.settings import CHEES, MEADS, NUTS, Settings
from hmlm.results.fingerprint import outcome_hash
from hmlm.results.fit import Fit, Refit
from hmlm.results.info import FitInfo, Row
from hmlm.results.kept_draws import KeptDraws
from hmlm.results.statement import Statement
from hmlm.spec.names import summary_rows
from hmlm.spec.spec import RESCOR_DPAR, RESCOR_LINK, Spec
from hmlm.spec.table import prior_lines
from hmlm.types import Design, ModelFormula

LABELS = {NUTS: "NUTS", CHEES: "ChEES", MEADS: "MEADS"}
PACKAGES = ("hmlm", "jax", "jaxlib", "numpyro", "arviz", "formulaic")


def assemble(
    density: LogDensity,
    design: Design,
    run: Run,
    statement: Statement,
    refit_fn: Refit | None = None,
    sampled: LogDensity | None = None,
) -> Fit:
    """The fit of a finished (or interrupted) run; ``refit_fn`` is what :meth:`Fit.update` calls.

    ``sampled`` is the density over round sizes where that was sampled in place of ``density``.
    """
    settings = statement.settings
    kept = KeptDraws(density, design, run, settings)
    return Fit(
        info=_info(density, design, run, settings, statement.data_name),
        posterior=with_draws(dict(kept.parameters)),
        sample_stats=_sample_stats(run, settings.sampler, (sampled or density).size),
        effects_fn=kept.effects,
        observed=observed_outcomes(design),
        log_lik_fn=kept.log_lik,
        row_blocks_fn=kept.row_blocks,
        spec=density.spec,
        design=design,
        statement=statement,
        refit_fn=refit_fn,
    )


def posterior_of(density: LogDensity, draws: NamedDraws) -> xr.Dataset:
    """Population-level parameters by name."""
    return with_draws(dict(zip(density.names, np.moveaxis(draws.values, -1, 0), strict=True)))


def observed_outcomes(design: Design) -> xr.Dataset:
    """The outcomes, dims (row,)."""
    return xr.Dataset({o.name: ("row", o.values) for o in design.outcomes}, {"row": design.rows})


def _sample_stats(run: Run, sampler: str, size: int) -> xr.Dataset:
    draws = run.draws
    longest = draws.n_steps if run.longest is None else run.longest
    steps = longest // gradients_per_step(size)
    stats = {
        "lp": draws.lp,
        "energy": draws.energy,
        "n_steps": draws.n_steps,
        "acceptance_rate": draws.acceptance_rate,
        "diverging": draws.diverging,
        "step_size": draws.step_size,
        "trajectory_length": steps * draws.step_size,
    }
    if sampler == NUTS:
        stats["tree_depth"] = np.stack([_depths(of_chain) for of_chain in steps])
    return with_draws(stats)


def _depths(steps: np.ndarray) -> np.ndarray:
    """Depths of trees of so many steps."""
    return np.floor(np.log2(np.maximum(steps, 1))).astype(np.int64) + 1


def with_draws(values: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Variables of (C, S) values."""
    dataset = xr.Dataset({name: (("chain", "draw"), value) for name, value in values.items()})
    return dataset.assign_coords({dim: np.arange(size) for dim, size in dataset.sizes.items()})


def _info(density: LogDensity, design: Design, run: Run, settings: Settings, data_name: str) -> FitInfo:
    return info_of(
        density.spec,
        design,
        data_name,
        algorithm=LABELS[settings.sampler],
        chains=settings.chains,
        warmup=settings.warmup,
        draws=run.draws.lp.shape[1],
        thin=settings.thin,
        seed=settings.seed,
        density="; ".join(treatment_lines(density.spec, density.plan)),
        seconds=tuple(run.seconds.items()),
        max_tree_depth=settings.max_tree_depth,
        interrupted=run.interrupted,
        kept=[density.names[i] for i in what_to_keep(density.spec, settings.keep).parameters],
        together=run.together,
        superchains=run.superchains,
        device=run.device,
    )


def info_of(
    spec: Spec, design: Design, data_name: str, kept: Collection[str] | None = None, **run: Any
) -> FitInfo:
    """What is known of a model's fit, whatever made its draws; ``run`` says that.

    The summary has the parameters of which draws are ``kept``, all of them for None.
    """
    return FitInfo(
        family=family_line(spec),
        links=link_lines(spec),
        formulas=formula_lines(design.formula),
        priors=prior_lines(spec),
        data_name=data_name,
        n_rows=design.n_rows,
        n_dropped=design.n_dropped,
        factors=tuple((factor.name, factor.n_levels) for factor in spec.factors),
        rows=tuple(Row(*row) for row in summary_rows(spec) if kept is None or row[0] in kept),
        versions=_versions(),
        data_hash=outcome_hash(design),
        **run,
    )


def family_line(spec: Spec) -> str:
    """``"gaussian"``, or ``"MV(gaussian, gaussian)"``."""
    names = [spec.family.name] * len(spec.outcomes)
    return f"MV({', '.join(names)})" if spec.multivariate else names[0]


def link_lines(spec: Spec) -> tuple[str, ...]:
    """One line per outcome; a parameter without a formula has the identity link. Last that of rescor's."""

    def line(m: int) -> str:
        modelled = {p.dpar for p in spec.predictors if p.response == m}
        links = {
            dpar: spec.family.link(dpar) if dpar in modelled else "identity" for dpar in spec.family.modelled
        }
        return "; ".join(f"{dpar} = {link}" for dpar, link in links.items())

    joint = () if spec.rescor_predictor is None else (f"{RESCOR_DPAR} = {RESCOR_LINK}",)
    return (*(line(m) for m in range(len(spec.outcomes))), *joint)


def formula_lines(formula: ModelFormula) -> tuple[tuple[str, ...], ...]:
    """Per outcome the lines that brms prints: the mean's, the other parameters', those of ``sd``.

    Last, each on its own, those of parameters of all outcomes together.
    """
    own = tuple(
        (
            *(f"{outcome.left if dpar == 'mu' else dpar} ~ {p.text}" for dpar, p in outcome.predictors),
            *(sd_text(name, p) for name, p in outcome.sd),
        )
        for outcome in formula.outcomes
    )
    return own + tuple((f"{dpar} ~ {p.text}",) for dpar, p in formula.joint)


def _versions() -> tuple[tuple[str, str], ...]:
    return tuple((package, _version(package)) for package in PACKAGES)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
