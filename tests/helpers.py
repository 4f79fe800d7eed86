"""What tests of several folders share: small models of every design, with simulated data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import hmlm as hm
from hmlm.density.build import make_log_density
from hmlm.density.coordinates import Coordinates
from hmlm.density.log_density import LogDensity
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import make_plan

from .families import FAMILY_FORMULAS, TESTED, family_data

UNEVEN_SIZES = (1, 1, 2, 3, 5, 8, 13, 21, 34, 60)


@dataclass(frozen=True)
class Case:
    """A model to test.

    Attributes:
        name: what the test report calls it.
        formula: what :func:`hmlm.model` takes.
        data: seed -> table; tables of all seeds have the same shape and levels.
        prior: what :func:`hmlm.model` takes.
        family: what :func:`hmlm.model` takes.
        data2: what :func:`hmlm.model` takes.
    """

    name: str
    formula: Any
    data: Callable[[int], pd.DataFrame]
    prior: Any = None
    family: Any = "gaussian"
    data2: Any = None

    def model(self, seed: int = 0) -> hm.Model:
        """The model of the data of a seed."""
        data = self.data(seed)
        return hm.model(self.formula, data, family=self.family, prior=self.prior, data2=self.data2)


def even(seed: int) -> pd.DataFrame:
    """60 rows in 6 groups ``g`` of 10, every other "odd", crossed with 4 groups ``h``; ``ward`` in ``g``."""
    return simulate(np.repeat(np.arange(6), 10), seed)


def in_time(seed: int) -> pd.DataFrame:
    """60 rows in shuffled order, in series ``g`` of 10 at times ``t``, crossed with 4 groups ``h``."""
    rng = np.random.default_rng((2, seed))
    table = even(seed).assign(t=np.tile(np.arange(10), 6))
    return table.iloc[rng.permutation(len(table))].reset_index(drop=True)


def lacking(seed: int) -> pd.DataFrame:
    """30 rows in shuffled order, in series ``g`` at times ``t`` of 0 to 3 that most of them lack one of."""
    table = in_time(seed)
    table = table[(table.t < 4) & ((table.g + table.t) % 5 > 0)]
    return table.reset_index(drop=True)


def uneven(seed: int) -> pd.DataFrame:
    """147 rows in shuffled order, in groups of 1 to 60."""
    groups = np.repeat(np.arange(len(UNEVEN_SIZES)), UNEVEN_SIZES)
    return simulate(np.random.default_rng(5).permutation(groups), seed)


def with_covariates(seed: int) -> pd.DataFrame:
    """``even`` with ``age`` and ``sex`` of the groups ``g``, ``size`` of the groups ``h``."""
    table, rng = even(seed), np.random.default_rng((2, seed))
    age, size = rng.normal(size=6), rng.normal(1.0, 0.5, 4)
    return table.assign(age=age[table.g], sex=np.array(["f", "m"])[table.g % 2], size=size[table.h])


def related(levels: int) -> pd.DataFrame:
    """A covariance between levels "0", "1", … of unequal variances, in another order than theirs."""
    rng = np.random.default_rng(6)
    root = np.tril(rng.normal(size=(levels, levels))) + 1.5 * np.eye(levels)
    names = [str(level) for level in rng.permutation(levels)]
    return pd.DataFrame(root @ root.T, names, names)


def simulate(group: np.ndarray, seed: int) -> pd.DataFrame:
    """Three outcomes with correlated residuals, whose level, slope and log scale vary by group."""
    rng = np.random.default_rng((1, seed))
    n_rows, n_groups = len(group), group.max() + 1
    x, w = rng.normal(1.0, 2.0, n_rows), rng.normal(size=n_rows)
    level, slope, scale = (rng.normal(0, s, (n_groups, 1))[group, 0] for s in (0.8, 0.5, 0.3))
    h = np.arange(n_rows) % 4
    noise = rng.multivariate_normal(np.zeros(3), 0.5 + 0.5 * np.eye(3), n_rows).T
    mean = 2.0 + level + (0.5 + slope) * x - 0.3 * w + 0.2 * h
    y, v, t = mean + np.exp(-0.2 + 0.1 * x + scale) * noise
    ward = rng.permutation(n_rows) % 3
    half = np.where(group % 2, "odd", "even")
    columns = {"x": x, "w": w, "g": group, "h": h, "ward": ward, "half": half}
    return pd.DataFrame({"y": y, "v": v - mean / 2, "t": t, **columns})


SHARED = "(1 + x |c| g)"
PRIORS = [
    hm.prior("uniform(-20, 30)", class_="Intercept"),
    hm.prior("student_t(4, 0, 1)", coef="x"),
    hm.prior("cauchy(0, 2)", coef="w"),
    hm.prior("normal(0, 0.5)", coef="IxE2"),
    hm.prior("gamma(2, 3)", class_="sd", coef="Intercept", group="g"),
    hm.prior("lognormal(-1, 0.7)", class_="sd", coef="x", group="g"),
    hm.prior("uniform(0, 9)", class_="sd", coef="w", group="g"),
    hm.prior("flat", class_="sd", group="h"),
    hm.prior("cauchy(0, 1)", class_="sigma"),
    hm.prior("lkj(1.5)", class_="cor"),
]
MONOTONIC_PRIORS = [
    hm.prior("dirichlet(c(2, 1, 3))", class_="simo", coef="moh1"),
    hm.prior("normal(0, 1)", class_="b", coef="moh"),
]
SCALE_PRIORS = [
    hm.prior("normal(0, 2)", class_="Intercept"),
    hm.prior("normal(0, 1)", class_="b"),
    hm.prior("exponential(1)", class_="sd"),
    hm.prior("normal(0, 1)", class_="Intercept", dpar="sigma"),
    hm.prior("gamma(1.5, 2)", class_="sd", dpar="sigma"),
    hm.prior("lkj(2)", class_="cor"),
]

BOUNDS = [
    hm.prior("normal(0, 1)", lb=-3),
    hm.prior("cauchy(0, 1)", coef="w", ub=0.4),
    hm.prior("exponential(2)", coef="x", lb=0),
    hm.prior("", coef="h", ub=2),
]

SHRUNK = [hm.prior("horseshoe(3, par_ratio = 0.5, df_slab = 5)"), hm.prior("normal(0, 1)", coef="w")]
DECOMPOSED = [
    hm.prior("R2D2(0.6, 3, cons_D2 = c(0.5, 1, 2))"),
    hm.prior("horseshoe()", dpar="sigma"),
]
SHRUNK_OUTCOMES = [hm.prior("R2D2()", resp="y"), hm.prior("horseshoe(autoscale = FALSE)", resp="v")]

FAMILY_CASES = tuple(
    Case(name, formula, family_data(name), None, TESTED[name]) for name, formula in FAMILY_FORMULAS.items()
)
CASES = (
    Case("varying_intercept", "y ~ x + (1 | g)", even),
    Case("varying_slope", "y ~ x + (0 + x | g)", even),
    Case("uncorrelated", "y ~ x + (x || g)", even),
    Case("correlated", "y ~ x + (1 + x | g)", even, hm.prior("lkj(3)", class_="cor")),
    Case("crossed", "y ~ x + (1 + x | g) + (1 | h)", even),
    Case("nested", "y ~ 1 + (1 | g/ward)", even),
    Case("scale_shared", hm.bf("y ~ 1 + (1 |c| g)", sigma="~ 1 + (1 |c| g)"), even),
    Case("scale", hm.bf(f"y ~ x + w + {SHARED}", sigma=f"~ x + {SHARED}"), even, SCALE_PRIORS),
    Case("scale_apart", hm.bf("y ~ x + (1 | g)", sigma="~ 1 + (0 + x | g)"), even),
    Case("scale_without_groups", hm.bf("y ~ x + (1 | g)", sigma="~ 0 + x"), even),
    Case("outcomes", hm.bf("y ~ x + (1 | g)") + hm.bf("v ~ (1 + w | h)"), even),
    Case("outcomes_one_scale", hm.bf("y ~ (1 | g)", sigma="~ x") + hm.bf("v ~ (1 | g)"), even),
    Case("rescor", [hm.bf(f"y ~ w + {SHARED}"), hm.bf("v ~ (1 |c| g)"), hm.set_rescor()], even),
    Case("rescor_one_scale", [hm.bf("y ~ w", sigma="~ (1 | g)"), "v ~ (1 | g)", hm.set_rescor()], even),
    Case("rescor_of_three", ["y ~ x + (1 | g)", "v ~ x", "t ~ 1", hm.set_rescor()], even),
    Case(
        "rescor_scale",
        [hm.bf(f"{name} ~ x + (1 |c| g)", sigma="~ x + (1 |c| g)") for name in "yv"] + [hm.set_rescor()],
        even,
    ),
    Case(
        "rescor_formula",
        [
            hm.bf("y ~ (1 |c| g)", sigma="~ x + (1 |c| g)"),
            hm.bf("v ~ 1"),
            hm.set_rescor("~ w + (1 |c| g)"),
        ],
        even,
    ),
    Case("rescor_by_level", ["y ~ w + (1 | g)", "v ~ (1 | g)", hm.set_rescor("~ (1 | g)")], even),
    Case("by", "y ~ x + (1 + x | gr(g, by = half))", even),
    Case("scale_by", hm.bf("y ~ x + (1 |c| gr(g, by = half))", sigma="~ (1 |c| gr(g, by = half))"), uneven),
    Case("monotonic", "y ~ mo(h) + x + mo(ward) + (1 + x | g)", even, MONOTONIC_PRIORS),
    Case("scale_monotonic", hm.bf("y ~ 0 + mo(h) + (1 | g)", sigma="~ mo(ward) + (1 | g)"), even),
    Case("smooth", "y ~ s(x, k = 5) + w + mo(ward) + (1 | g)", even, hm.prior("gamma(2, 1)", class_="sds")),
    Case(
        "scale_smooth",
        hm.bf('y ~ s(x, by = half, k = 4, bs = "cr") + half + (1 | g)', sigma="~ s(w, k = 4) + (1 | g)"),
        even,
    ),
    Case("smooth_poisson", "h ~ s(x, k = 5) + (1 | g)", even, None, "poisson"),
    Case("without_intercept", "y ~ 0 + x + (1 | g)", even),
    Case("intercept_as_coefficient", "y ~ 0 + Intercept + x + (1 | g)", even),
    Case("uncentered", hm.bf("y ~ x + (1 + x | g)", center=False), even),
    Case("without_population", "y ~ 0 + (1 | g)", even),
    Case("without_groups", "y ~ x + w", even),
    Case("uneven", hm.bf("y ~ x + (1 + x |c| g)", sigma="~ (1 |c| g)"), uneven),
    Case("bounds", "y ~ x + w + h + t + (1 | g)", even, BOUNDS),
    Case("between", hm.bf("y ~ x + (1 + x | g)", sd={"g": "~ age"}), with_covariates),
    Case("between_one", hm.bf("y ~ x + (1 + x || g)", sd={"g__x": "~ sex"}, center=False), with_covariates),
    Case(
        "between_crossed",
        hm.bf("y ~ x + (1 + x | g) + (1 | h)", sd={"g": "~ age + sex", "h": "~ size"}),
        with_covariates,
        hm.prior("normal(0, 1)", dpar="sd_g"),
    ),
    Case(
        "between_scale",
        hm.bf(
            f"y ~ x + {SHARED}",
            sigma="~ x + (1 |c| g)",
            sd={"g": "~ age", "g__sigma_Intercept": "~ sex"},
        ),
        with_covariates,
    ),
    Case(
        "between_outcomes",
        [
            hm.bf("y ~ x + (1 |c| g)", sd={"g": "~ age"}),
            hm.bf("v ~ (1 |c| g)", sd={"g": "~ sex"}),
            hm.set_rescor(),
        ],
        with_covariates,
    ),
    Case(
        "between_poisson", hm.bf("h ~ x + (1 + x | g)", sd={"g": "~ age"}), with_covariates, None, "poisson"
    ),
    Case("known", "y ~ x + (1 + x | gr(g, cov = A))", even, data2={"A": related(8)}),
    Case(
        "known_scale",
        hm.bf("y ~ x + (1 |c| gr(g, cov = A))", sigma="~ x + (1 |c| gr(g, cov = A))"),
        uneven,
        data2={"A": related(10)},
    ),
    Case("known_poisson", "h ~ x + (1 | gr(g, cov = A))", uneven, None, "poisson", {"A": related(12)}),
    Case("members", "y ~ x + (1 + x | mm(h, ward, weights = cbind(x^2, 1))) + (1 | g)", even),
    Case("members_scale", hm.bf("y ~ x + (1 |c| mm(h, ward))", sigma="~ x + (1 |c| mm(h, ward))"), uneven),
    Case("members_poisson", "h ~ x + (1 | mm(g, ward, weights = cbind(x^2, 1)))", even, None, "poisson"),
    Case("alike_effects", "y ~ x + cs(0 + factor(ward) | g) + (1 | h)", even),
    Case(
        "effects_in_turn",
        hm.bf("y ~ x + hetar1(0 + factor(h) | g)", sigma="~ x + cs(1 + x + w | ward)"),
        even,
    ),
    Case("one_sd", hm.bf("y ~ x + ar1(0 + factor(ward) | g)", sigma="~ x + homcs(1 + x + w | ward)"), even),
    Case("effects_in_turn_poisson", "h ~ x + hetar1(1 + x + w | g) + (1 | ward)", even, None, "poisson"),
    Case("offset", "y ~ x + offset(w) + (1 + x | g)", even),
    Case("offsets", hm.bf("y ~ x + offset(w) + (1 | g)", sigma="~ offset(w / 3) + (1 | g)"), even),
    Case("weights", "y | weights(exp(w)) ~ x + (1 + x | g)", even),
    Case("standard_errors", "y | se(exp(w)) ~ x + (1 | g)", even),
    Case("standard_errors_and_sigma", "y | se(exp(w), sigma = TRUE) ~ x + (1 | g)", even),
    Case("truncated", "y | trunc(lb = -30, ub = 60) ~ x + (1 | g)", even),
    Case("series", "y ~ x + (1 + x | g) + ar(t, g, cov = TRUE)", in_time),
    Case("series_regression", "y ~ x + (1 | g) + (1 | h) + ar(gr = g)", in_time),
    Case("series_scale", hm.bf("y ~ x + (1 |c| g) + ar(t, g, cov = TRUE)", sigma="~ x + (1 |c| g)"), in_time),
    Case("horseshoe", "y ~ x + w + h + (1 + x | g)", even, SHRUNK),
    Case("r2d2", hm.bf("y ~ x + w + t + (1 | g)", sigma="~ x + (1 | g)"), even, DECOMPOSED),
    Case("shrunk_outcomes", ["y ~ x + w + (1 | g)", "v ~ w + t", hm.set_rescor()], even, SHRUNK_OUTCOMES),
    Case("alike", "y ~ x + (1 + x | g) + (1 | h) + cosy(gr = g:half)", in_time),
    Case("alike_scale", hm.bf("y ~ x + (1 |c| g) + cosy(t, g)", sigma="~ x + (1 |c| g)"), in_time),
    Case("occasions", "y ~ x + (1 | h) + unstr(t, g)", lacking),
    Case("occasions_scale", hm.bf("y ~ x + (1 | g) + unstr(t, g)", sigma="~ x"), lacking),
    Case(
        "terms_together",
        "y ~ s(x, k = 5) + mo(ward) + w + t + (1 | gr(g, cov = A)) + (1 | mm(h, ward))",
        even,
        [hm.prior("horseshoe(3)"), hm.prior("normal(0, 1)", coef="moward")],
        data2={"A": related(8)},
    ),
    Case(
        "terms_of_series",
        hm.bf("y ~ s(x, k = 4) + mo(h) + w + (1 | gr(g, cov = A)) + cosy(gr = g)", sigma="~ s(w, k = 4)"),
        in_time,
        [hm.prior("R2D2()"), hm.prior("normal(0, 1)", coef="moh")],
        data2={"A": related(8)},
    ),
    Case(
        "terms_of_rescor",
        ["y ~ s(x, k = 4) + (1 |c| g)", "v ~ mo(h) + w", hm.set_rescor("~ s(w, k = 4) + (1 |c| g)")],
        even,
        [hm.prior("horseshoe()", resp="v"), hm.prior("normal(0, 1)", coef="moh", resp="v")],
    ),
    Case("priors", "y ~ x + w + I(x^2) + (1 + x + w | g) + (1 | h)", uneven, PRIORS),
)
DESIGNS = {case.name: case for case in (*CASES, *FAMILY_CASES)}
KINDS = tuple(Coordinates)


@cache
def stated(name: str) -> hm.Model:
    """The model of a design, made once."""
    return DESIGNS[name].model()


def density(name: str, kind: Coordinates) -> LogDensity:
    """The fast log density of a design with every effect sampled in one kind of coordinates."""
    return planned(name, kind.value)


@cache
def planned(name: str, choice: str) -> LogDensity:
    """The fast log density of a design under a forced choice, made once."""
    model = stated(name)
    return make_log_density(model.spec, model.design, _pilot(name), make_plan(model.spec, choice))


def points(log_density: LogDensity, n_points: int, seed: int = 0) -> np.ndarray:
    """(n_points, D) random points where the density is not small."""
    noise = np.random.default_rng(seed).normal(size=(n_points, log_density.size))
    return log_density.initial + noise


@cache
def _pilot(name: str):
    return fit_pilot(stated(name).spec, stated(name).design)


# One design of each kind, which every run takes.
OFTEN = (
    *("correlated", "scale", "scale_apart", "bounds"),
    *("rescor_scale", "rescor_formula", "uneven", "crossed", "between_scale"),
    *("binomial", "negbinomial", "zero_inflated_negbinomial", "weights", "cumulative"),
    *("series", "series_scale", "smooth", "r2d2"),
    *("known", "members_poisson", "alike", "occasions_scale", "effects_in_turn"),
)
