"""Likelihood-ratio tests between maximum-likelihood fits, laid out as lme4's ``anova``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from hmlm.results.ml_fit import MlFit
from hmlm.types import HmlmError


def anova(*fits: MlFit, **named: MlFit) -> pd.DataFrame:
    """Compare nested models by likelihood-ratio tests, each with the next smaller one.

    ``Chisq = 2 (logLik - logLik of the smaller)``, referred to a chi-squared distribution with the difference
    of parameters. Where the smaller model puts a standard deviation at zero, that p-value is too large: the
    true distribution is a mixture (half of it, for one variance; Self & Liang 1987,
    doi:10.1080/01621459.1987.10478472).

    Args:
        fits: two or more, named by their formulas.
        named: more of them, under the names given.

    Returns:
        A row per model, smallest first: ``npar``, ``AIC``, ``BIC``, ``logLik``, ``deviance``, ``Chisq``,
        ``Df``, ``Pr(>Chisq)``.

    Raises:
        HmlmError: not maximum-likelihood fits, different data, or REML fits with different coefficients.
    """
    labelled = [*zip(_titles(fits), fits, strict=True), *named.items()]
    _check(labelled)
    ordered = sorted(labelled, key=lambda pair: pair[1].df)
    models = [fit for _, fit in ordered]
    tests = [(np.nan, np.nan, np.nan), *(_test(small, large) for small, large in pairwise(models))]
    columns = {
        "npar": [fit.df for fit in models],
        "AIC": [fit.aic for fit in models],
        "BIC": [fit.bic for fit in models],
        "logLik": [fit.loglik for fit in models],
        "deviance": [fit.deviance for fit in models],
    }
    frame = pd.DataFrame(columns, index=pd.Index([label for label, _ in ordered], dtype=object))
    frame[["Chisq", "Df", "Pr(>Chisq)"]] = np.array(tests)
    return frame


def _test(small: MlFit, large: MlFit) -> tuple[float, float, float]:
    statistic, df = max(small.deviance - large.deviance, 0.0), large.df - small.df
    return statistic, df, float(chdtrc(df, statistic)) if df else np.nan


def _titles(fits: Sequence[MlFit]) -> list[str]:
    out: list[str] = []
    for number, fit in enumerate(fits, start=1):
        title = fit.info.title if isinstance(fit, MlFit) else str(number)
        out.append(f"{title} ({number})" if title in out else title)
    return out


def _check(labelled: Sequence[tuple[str, MlFit]]) -> None:
    for label, fit in labelled:
        if not isinstance(fit, MlFit):
            raise HmlmError(
                f"anova: {label} is a {type(fit).__name__}; likelihood-ratio tests compare fits of "
                'fit(algorithm="ml")'
            )
    if len(labelled) < 2:
        raise HmlmError("anova: give two or more fits to compare, hm.anova(a, b)")
    (first, reference), *others = labelled
    for label, fit in others:
        _check_pair(first, reference, label, fit)


def _check_pair(first: str, reference: MlFit, label: str, fit: MlFit) -> None:
    if not _same_outcomes(reference, fit):
        raise HmlmError(
            f"anova: '{first}' ({reference.info.n_rows} rows) and '{label}' ({fit.info.n_rows} rows) were "
            "not fitted to the same outcomes; rows with missing values in a column that only one model uses "
            "are left out there: fit both to the rows that are complete in all columns"
        )
    if reference.info.restricted != fit.info.restricted:
        raise HmlmError(f"anova: '{first}' and '{label}' differ in REML; fit both with algorithm=\"ml\"")
    if fit.info.restricted and set(fit.info.fixed) != set(reference.info.fixed):
        raise HmlmError(
            f"anova: '{first}' and '{label}' are REML fits with different coefficients, whose likelihoods do "
            'not compare; fit both with algorithm="ml"'
        )


def _same_outcomes(a: MlFit, b: MlFit) -> bool:
    if set(a.observed) != set(b.observed) or a.info.n_rows != b.info.n_rows:
        return False
    return all(_equal(a.observed[name].values, b.observed[name].values) for name in a.observed)


def _equal(left: Iterable[float], right: Iterable[float]) -> bool:
    return np.array_equal(np.asarray(left), np.asarray(right))
