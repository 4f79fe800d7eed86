"""Syntax of brms, lme4, glmmTMB and mgcv that is not available: what to write in its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SPLINE = "write a penalised spline s(x), or one of fixed degrees of freedom, ns(x, df = 4)"
_SMOOTH = "it is a population-level term of its own, y ~ s(x) + z; write ns(x, df = 4) inside other terms"
_SERIES = "write ar(time = t, gr = id), where the residual before counts"
_OF_MEAN = "write it in the formula of a mean, y ~ x + {}"
_COVARIANCE = "(x | group) estimates all correlations, (x || group) none, cs(x | group) one for all"
_KNOWN = "write (1 | gr(group, cov = A)) with data2={'A': …}"
_COLUMN = "compute it as a column of the table first"
_MONOTONIC = "it is a population-level term of its own, y ~ mo(x) + z; write factor(x) inside other terms"
_ORDERED = "write factor(x) for one coefficient per level, or the column of ranks for a line"
_OUTCOMES = "write one bf for each outcome, bf(y1 ~ x) + bf(y2 ~ x) + set_rescor(TRUE)"
_FORMULA = "name the parameter within bf: bf(y ~ x, sigma ~ x)"

PREDICTORS = {
    "s": ("mgcv's smooth within another term", _SMOOTH),
    "te": ("mgcv's tensor product", "write ns(x, df = 3):ns(z, df = 3)"),
    "ti": ("mgcv's tensor interaction", "write ns(x, df = 3):ns(z, df = 3)"),
    "t2": ("mgcv's tensor product", "write ns(x, df = 3):ns(z, df = 3)"),
    "cr": ("a cubic regression spline", _SPLINE),
    "cc": ("a cyclic spline", "write sin(x) + cos(x) of an angle x"),
    "rcs": ("rms's restricted cubic spline", "write ns(x, df = 4)"),
    "gp": ("brms's Gaussian process", _SPLINE),
    "mo": ("brms's monotonic effect within another term", _MONOTONIC),
    "monotonic": ("brms's monotonic effect within another term", _MONOTONIC),
    "cs": ("brms's category-specific effect", "write the term itself, with the same effect in each category"),
    "me": ("brms's predictor with measurement error", "write the column itself"),
    "mi": (
        "brms's model of missing values",
        "write the column itself; incomplete rows are left out",
    ),
    "mmc": ("brms's multi-membership covariate", "write the column itself, the same for all memberships"),
    "ar": ("brms's autoregression of residuals here", _OF_MEAN.format("ar(gr = id)")),
    "ma": ("brms's moving average of residuals", _SERIES),
    "arma": ("brms's autoregression of residuals", _SERIES),
    "cosy": ("brms's compound symmetry of residuals here", _OF_MEAN.format("cosy(gr = id)")),
    "unstr": ("brms's unstructured residual correlation here", _OF_MEAN.format("unstr(time, gr = id)")),
    "sar": ("brms's spatial autoregression", "write (1 | region)"),
    "car": ("brms's spatial autoregression", "write (1 | region)"),
    "fcor": ("brms's known residual correlation", "write (1 | group)"),
    "nlf": ("brms's non-linear formula", "write I(…) and functions of columns; coefficients enter linearly"),
    "lag": ("a lag", "make the column within groups first: data.groupby('id')['x'].shift(1)"),
    "Error": ("aov's error stratum", "write (1 | id)"),
    "ordered": ("R's ordered factor", _ORDERED),
    "as.numeric": ("R's conversion", _COLUMN),
    "relevel": ("R's change of reference", 'write factor(x, levels = c("b", "a")), reference first'),
    "cut": ("R's cut", _COLUMN),
    "ifelse": ("R's ifelse", _COLUMN),
}
GROUPS = {
    "gr": (
        "gr() with dist",
        "effects are normal; gr(group) alone is (1 | group), gr(group, by = x) has a covariance matrix for "
        "each level of x, gr(group, cov = A) the known covariance A between levels",
    ),
    "mm": (
        "mm() with by, cov or dist",
        "mm(a, b, weights = cbind(v, w), scale = TRUE) is; of cor and id as in gr()",
    ),
    "ou": ("glmmTMB's Ornstein-Uhlenbeck covariance", _COVARIANCE),
    "toep": ("glmmTMB's Toeplitz covariance", _COVARIANCE),
    "rr": ("glmmTMB's reduced-rank covariance", _COVARIANCE),
    "homdiag": ("glmmTMB's equal variances", "diag(x | group) or (x || group) has one variance each"),
    "exp": ("glmmTMB's spatial covariance", _COVARIANCE),
    "gau": ("glmmTMB's spatial covariance", _COVARIANCE),
    "mat": ("glmmTMB's spatial covariance", _COVARIANCE),
    "propto": ("glmmTMB's known covariance", _KNOWN),
    "equalto": ("glmmTMB's known covariance", "write (1 | gr(group, cov = A)), whose variance is estimated"),
}
ADDITIONS = {
    "mi": ("brms's model of missing values", "leave it out; incomplete rows are left out, counted"),
    "subset": ("brms's subset", "filter the table first, data[data['x'] > 0]"),
    "cat": ("brms's number of categories", "leave it out; the categories are those of the column"),
    "thres": ("brms's number of thresholds", "leave it out; the categories are those of the column"),
    "dec": ("brms's decision of the Wiener model", "no family here takes it"),
    "index": ("brms's index", "leave it out"),
    "bhaz": ("brms's baseline hazard", "no family here takes it"),
    "vint": ("data of a brms custom family", "no family here takes it"),
    "vreal": ("data of a brms custom family", "no family here takes it"),
}
CALLS = {
    "lf": ("brms's lf", _FORMULA),
    "nlf": PREDICTORS["nlf"],
    "set_nl": PREDICTORS["nlf"],
    "mvbf": ("brms's mvbf", _OUTCOMES),
    "mvbrmsformula": ("brms's mvbf", _OUTCOMES),
    "mvbind": ("brms's mvbind", _OUTCOMES),
    "acformula": ("brms's acformula", _SERIES),
    "set_mecor": ("brms's set_mecor", "leave it out"),
    "brm": ("brms's brm", 'call hm.fit("y ~ x + (1 | group)", data, family=…, prior=[…])'),
    "lmer": ("lme4's lmer", 'call hm.fit("y ~ x + (1 | group)", data)'),
    "glmer": ("lme4's glmer", 'call hm.fit("y ~ x + (1 | group)", data, family=…)'),
}
ARGUMENTS = {
    "family": ("bf's family", "give it to the model, hm.fit(formula, data, family=…)"),
    "nl": PREDICTORS["nlf"],
    "autocor": ("bf's autocor", f"in the formula {_SERIES}"),
    "cmc": ("bf's cmc", "write 0 + x, or 1 + x"),
    "sparse": ("bf's sparse", "leave it out"),
    "decomp": ("bf's decomp", "leave it out"),
    "loop": ("bf's loop", "leave it out"),
}


def refusal(name: str, *tables: dict[str, tuple[str, str]]) -> str | None:
    """What ``name`` is and the nearest that is available; None where no table knows it."""
    for table in tables:
        if name in table:
            what, advice = table[name]
            return f"`{name}`, {what}, is not available: {advice}"
    return None


def nearest(name: str, allowed: Iterable[str]) -> str:
    """``"; did you mean `log()`?"``, or the full stop of a sentence where nothing is near."""
    close = difflib.get_close_matches(name, list(allowed), n=1)
    return f"; did you mean `{close[0]}()`?" if close else "."
