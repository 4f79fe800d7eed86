"""``Elpd``: how well a model predicts what it has not seen, printed as R's loo does."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.pareto import advice, good_k, khat_table

WIDTH = 100
ROW = "row"
TITLES = {
    "loo": "PSIS leave-one-out",
    "waic": "Widely applicable information criterion",
    "kfold": "K-fold cross-validation",
}


@dataclass(frozen=True, eq=False, repr=False)
class Elpd:
    """Expected log pointwise predictive density of new rows, or of new levels of a grouping factor.

    Attributes:
        method: ``"loo"``, ``"waic"`` or ``"kfold"``.
        unit: what is left out: ``"row"`` or a grouping factor.
        labels: (n,) rows of the table, or levels.
        elpd_i: (n,) the terms of ``elpd``.
        p_i: (n,) the terms of ``p``.
        khat: (n,) Pareto k-hat of each importance sampling; None where there is none.
        n_draws: draws of the posterior.
        n_parameters: free numbers of the model, those of group effects among them where they predict.
        observed: the outcomes, by which comparisons know the data.

    References:
        Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4
        Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, arXiv:1507.02646
    """

    method: str
    unit: str
    labels: tuple
    elpd_i: np.ndarray
    p_i: np.ndarray
    khat: np.ndarray | None
    n_draws: int
    n_parameters: int
    observed: xr.Dataset

    @property
    def elpd(self) -> float:
        """Sum of ``elpd_i``: higher predicts better."""
        return float(self.elpd_i.sum())

    @property
    def se(self) -> float:
        """Standard error of ``elpd`` over rows or levels."""
        return standard_error(self.elpd_i)

    @property
    def p(self) -> float:
        """Effective number of parameters."""
        return float(self.p_i.sum())

    @property
    def ic(self) -> float:
        """The information criterion ``-2 elpd``: lower predicts better."""
        return -2.0 * self.elpd

    @property
    def good_k(self) -> float:
        """The k-hat up to which so many draws suffice."""
        return good_k(self.n_draws)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """``elpd_loo``, ``p_loo`` and ``looic`` (or those of the method) with ``Estimate`` and ``SE``."""
        ic = {"loo": "looic", "waic": "waic", "kfold": "kfoldic"}[self.method]
        values = [[self.elpd, self.se], [self.p, standard_error(self.p_i)], [self.ic, 2.0 * self.se]]
        index = [f"elpd_{self.method}", f"p_{self.method}", ic]
        return pd.DataFrame(values, index=index, columns=["Estimate", "SE"])

    @cached_property
    def pointwise(self) -> pd.DataFrame:
        """One line per row of the table, or per level: ``elpd``, ``p``, ``ic``, ``khat`` if there is one."""
        columns = {"elpd": self.elpd_i, "p": self.p_i, "ic": -2.0 * self.elpd_i}
        if self.khat is not None:
            columns["khat"] = self.khat
        return pd.DataFrame(columns, index=pd.Index(list(self.labels), name=self.unit))

    @property
    def bad(self) -> np.ndarray:
        """(n,) where importance sampling failed."""
        n = len(self.elpd_i)
        return np.zeros(n, bool) if self.khat is None else ~(self.khat <= self.good_k)

    @cached_property
    def khats(self) -> pd.DataFrame | None:
        """Counts of k-hat that are good, bad and very bad."""
        return None if self.khat is None else khat_table(self.khat, self.good_k)

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What speaks against these numbers, with what to try; empty if nothing does."""
        return advice(self)

    def __repr__(self) -> str:
        parts = [self._title(), self.estimates.to_string(float_format=lambda value: f"{value:.1f}")]
        if self.khat is not None:
            parts.append(self._khat_lines())
        parts.extend(paragraph(f"Warning: {problem}") for problem in self.problems)
        return "\n\n".join(parts)

    def _title(self) -> str:
        n = len(self.elpd_i)
        what = f"{n} rows" if self.unit == ROW else f"{n} levels of {self.unit}, each left out whole"
        return f"{TITLES[self.method]}: {self.n_draws} draws, {what}"

    def _khat_lines(self) -> str:
        if not self.bad.any():
            return f"All Pareto k-hat are good (at most {self.good_k:.2f})."
        return "Pareto k-hat:\n" + self.khats.to_string(float_format=lambda value: f"{value:.1f}%")


def standard_error(values: np.ndarray) -> float:
    """Standard error of a sum of n terms: ``sqrt(n var)``."""
    return float(np.sqrt(len(values) * values.var(ddof=1))) if len(values) > 1 else np.nan


def paragraph(text: str) -> str:
    """Text in lines, the second and later ones indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
