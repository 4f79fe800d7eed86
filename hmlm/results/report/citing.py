"""How to cite a fit: the software and the methods that it used, and a paragraph for the methods section."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hmlm.results.report.words import count, kind, listed
from hmlm.spec.spec import Spec

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


class Reference(NamedTuple):
    """A work to cite; ``link`` is an address to follow, empty where there is none."""

    use: str
    text: str
    link: str = ""


def _doi(doi: str) -> str:
    return f"https://doi.org/{doi}"


def _arxiv(number: str) -> str:
    return f"https://arxiv.org/abs/{number}"


NUMPYRO = Reference(
    "the probabilistic program",
    "Phan, D., Pradhan, N., & Jankowiak, M. (2019). Composable effects for flexible and accelerated "
    "probabilistic programming in NumPyro. arXiv:1912.11554.",
    _arxiv("1912.11554"),
)
JAX = Reference(
    "compilation and gradients",
    "Bradbury, J., Frostig, R., Hawkins, P., Johnson, M. J., Leary, C., Maclaurin, D., Necula, G., "
    "Paszke, A., VanderPlas, J., Wanderman-Milne, S., & Zhang, Q. (2018). JAX: composable "
    "transformations of Python+NumPy programs [Computer software].",
    "https://github.com/jax-ml/jax",
)
PSIS = Reference(
    "Pareto k-hat and importance resampling",
    "Vehtari, A., Simpson, D., Gelman, A., Yao, Y., & Gabry, J. (2024). Pareto smoothed importance sampling. "
    "Journal of Machine Learning Research, 25(72), 1–58.",
)
NUTS = Reference(
    "the sampler",
    "Hoffman, M. D., & Gelman, A. (2014). The No-U-Turn sampler: Adaptively setting path lengths in "
    "Hamiltonian Monte Carlo. Journal of Machine Learning Research, 15, 1593–1623.",
)
CHEES = Reference(
    "the sampler",
    "Hoffman, M., Radul, A., & Sountsov, P. (2021). An adaptive-MCMC scheme for setting trajectory lengths "
    "in Hamiltonian Monte Carlo. Proceedings of Machine Learning Research, 130, 3907–3915.",
)
MEADS = Reference(
    "the sampler",
    "Hoffman, M. D., & Sountsov, P. (2022). Tuning-free generalized Hamiltonian Monte Carlo. Proceedings of "
    "Machine Learning Research, 151, 7799–7813.",
)
SAMPLERS = {
    "NUTS": ("the No-U-Turn sampler", NUTS),
    "ChEES": ("ChEES, Hamiltonian Monte Carlo with one trajectory length for all chains", CHEES),
    "MEADS": ("MEADS, generalised Hamiltonian Monte Carlo", MEADS),
}
CONVERGENCE = Reference(
    "R-hat and effective sample sizes",
    "Vehtari, A., Gelman, A., Simpson, D., Carpenter, B., & Bürkner, P.-C. (2021). Rank-normalization, "
    "folding, and localization: An improved R-hat for assessing convergence of MCMC. Bayesian "
    "Analysis, 16, 667–718.",
    _doi("10.1214/20-BA1221"),
)
FORMULAS = Reference(
    "the formula syntax and the names of parameters",
    "Bürkner, P.-C. (2017). brms: An R package for Bayesian multilevel models using Stan. Journal of "
    "Statistical Software, 80(1), 1–28.",
    _doi("10.18637/jss.v080.i01"),
)
MIXED = Reference(
    "the syntax of group-level terms",
    "Bates, D., Mächler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models "
    "using lme4. Journal of Statistical Software, 67(1), 1–48.",
    _doi("10.18637/jss.v067.i01"),
)
LOCATION_SCALE = Reference(
    "mixed-effects location scale models",
    "Hedeker, D., Mermelstein, R. J., & Demirtas, H. (2008). An application of a mixed-effects "
    "location scale model for analysis of ecological momentary assessment (EMA) data. Biometrics, 64, "
    "627–634.",
    _doi("10.1111/j.1541-0420.2007.00924.x"),
)
LKJ = Reference(
    "the prior of correlation matrices",
    "Lewandowski, D., Kurowicka, D., & Joe, H. (2009). Generating random correlation matrices based on "
    "vines and extended onion method. Journal of Multivariate Analysis, 100, 1989–2001.",
    _doi("10.1016/j.jmva.2009.04.008"),
)
R_SQUARED = Reference(
    "Bayesian R²",
    "Gelman, A., Goodrich, B., Gabry, J., & Vehtari, A. (2019). R-squared for Bayesian regression "
    "models. The American Statistician, 73, 307–309.",
    _doi("10.1080/00031305.2018.1549100"),
)
ICC = Reference(
    "intraclass correlations",
    "Nakagawa, S., Johnson, P. C. D., & Schielzeth, H. (2017). The coefficient of determination R² and "
    "intra-class correlation coefficient from generalized linear mixed-effects models revisited and "
    "expanded. Journal of the Royal Society Interface, 14, 20170213.",
    _doi("10.1098/rsif.2017.0213"),
)
CHECKS = Reference(
    "posterior predictive checks",
    "Gabry, J., Simpson, D., Vehtari, A., Betancourt, M., & Gelman, A. (2019). Visualization in "
    "Bayesian workflow. Journal of the Royal Statistical Society A, 182, 389–402.",
    _doi("10.1111/rssa.12378"),
)


def _always(spec: Spec) -> bool:
    return True


def _has_groups(spec: Spec) -> bool:
    return bool(spec.blocks)


def _has_correlations(spec: Spec) -> bool:
    return (spec.rescor, spec.cortime) != (None, None) or any(block.cor is not None for block in spec.blocks)


def _is_location_scale(spec: Spec) -> bool:
    return any(
        spec.predictors[term.predictor].dpar == "sigma" for block in spec.blocks for term in block.terms
    )


USES: tuple[tuple[Reference, Callable[[Spec], bool]], ...] = (
    (NUMPYRO, _always),
    (JAX, _always),
    (NUTS, _always),
    (FORMULAS, _always),
    (MIXED, _has_groups),
    (LOCATION_SCALE, _is_location_scale),
    (LKJ, _has_correlations),
    (CONVERGENCE, _always),
    (CHECKS, _always),
    (R_SQUARED, _always),
)


def references(fit: Fit, spec: Spec, has_icc: bool) -> tuple[Reference, ...]:
    """What this fit rests on, hmlm first."""
    own = Reference(
        "this software",
        f"The hmlm team. hmlm: Bayesian multilevel and mixed-effects location scale models in JAX (version "
        f"{version_of(fit)}) [Computer software].",
    )
    used = [reference for reference, applies in USES if applies(spec)]
    if fit.info.algorithm in SAMPLERS:
        used[used.index(NUTS)] = SAMPLERS[fit.info.algorithm][1]
    if fit.info.approximate:
        used = [PSIS, *(reference for reference in used if reference not in (NUTS, CONVERGENCE))]
    return (own, *used, *([ICC] if has_icc else []))


def version_of(fit: Fit, package: str = "hmlm") -> str:
    """Version of a package that made the fit; ``"unknown"`` where the file does not say."""
    return dict(fit.info.versions).get(package, "unknown")


def methods(fit: Fit, spec: Spec, columns: tuple[str, ...]) -> str:
    """A paragraph for the methods section of a paper."""
    what = kind(spec)
    article = "an" if what[0] in "aeiou" else "a"
    return (
        f"We fitted {article} {what} of {listed(columns)} to {count(fit.info.n_rows)} rows{_levels(fit)}"
        f"{_dropped(fit)} with hmlm {version_of(fit)} (NumPyro {version_of(fit, 'numpyro')}, JAX "
        f"{version_of(fit, 'jax')}). {_approximation(fit) if fit.info.approximate else _sampling(fit)}"
    )


def _sampling(fit: Fit) -> str:
    info = fit.info
    chains = "one chain" if info.chains == 1 else f"{info.chains} chains"
    return (
        f"The posterior was sampled with {SAMPLERS[info.algorithm][0]}, {chains} of "
        f"{count(info.warmup)} warm-up and {count(info.draws)} further draws"
        f"{' each' if info.chains > 1 else ''}, {count(fit.n_draws)} in all (seed {info.seed}). "
        f"{_convergence(fit)}"
    )


def _approximation(fit: Fit) -> str:
    info = fit.info
    how = ", resampled by importance" if info.resampled else ""
    return (
        f"The posterior was approximated ({info.algorithm}) by {count(info.draws)} draws{how} (seed "
        f"{info.seed}; Pareto k-hat {info.khat:.2f})."
    )


def _levels(fit: Fit) -> str:
    named = [f"{count(n)} levels of {name}" for name, n in fit.info.factors]
    return f" of {listed(named)}" if named else ""


def _dropped(fit: Fit) -> str:
    n = fit.info.n_dropped
    rows = "1 row with a missing value was" if n == 1 else f"{count(n)} rows with missing values were"
    return f" ({rows} left out)" if n else ""


def _convergence(fit: Fit) -> str:
    found, parts = fit.convergence, []
    if np.isfinite(found.rhat).any():
        parts.append(f"R-hat was at most {np.nanmax(found.rhat):.3f}")
        parts.append(f"bulk effective sample sizes were at least {count(round(np.nanmin(found.bulk)))}")
        parts.append(f"tail effective sample sizes at least {count(round(np.nanmin(found.tail)))}")
    if "diverging" in fit.sample_stats:
        n = int(fit.sample_stats["diverging"].sum())
        parts.append(f"{count(n) if n else 'no'} transition{'s' if n != 1 else ''} diverged")
    text = listed(parts)
    return f"{text[:1].upper()}{text[1:]}." if parts else ""
