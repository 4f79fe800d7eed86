"""How far draws are from a published table, in units of the Monte-Carlo error of both.

``z = max(|mean - published| - rounding, 0) / sqrt(se_published² / ESS_published + se² / ESS)``
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base.array import array_stats

from hmlm.results.fit import Fit

MAX_Z = 3.0
MAX_RATIO = 0.15

needs_data = pytest.mark.skipif(not os.environ.get("HMLM_DATA_DIR"), reason="HMLM_DATA_DIR is not set")


def reference(file_name: str) -> Path:
    """A published table; the folder ``reference`` lies beside that of the data."""
    path = Path(os.environ["HMLM_DATA_DIR"]).parent / "reference" / file_name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def differences(ours: pd.DataFrame, published: pd.DataFrame, rounding: float = 0.0) -> pd.DataFrame:
    """Rows of ``published`` with ours beside them, z, and the ratio of standard deviations less one.

    Args:
        ours, published: columns ``mean``, ``sd``, ``mcse``; the index names the parameters.
        rounding: largest rounding error of what is published.
    """
    missing = published.index.difference(ours.index)
    assert missing.empty, f"not among our parameters: {list(missing)}"
    both = published.add_suffix("_published").join(ours)
    off = np.maximum(abs(both["mean"] - both["mean_published"]) - rounding, 0)
    sd_off = np.maximum(abs(both["sd"] - both["sd_published"]) - rounding, 0)
    both["z"] = off / np.hypot(both["mcse"], both["mcse_published"])
    both["sd_off"] = sd_off / both["sd_published"].where(sd_off > 0, 1)
    return both


def assert_agrees(table: pd.DataFrame, max_z: float = MAX_Z, max_ratio: float = MAX_RATIO) -> None:
    """Means within ``max_z`` Monte-Carlo standard errors, standard deviations within ``max_ratio``."""
    bad = table[(table["z"] > max_z) | (table["sd_off"] > max_ratio)]
    assert bad.empty, f"{len(bad)} of {len(table)} disagree\n{bad.to_string()}"


def of_fit(fit: Fit) -> pd.DataFrame:
    """Mean, standard deviation and Monte-Carlo error of a fit's parameters by printed label."""
    summary = fit.summary()
    sd = summary["Est.Error"]
    return pd.DataFrame({"mean": summary["Estimate"], "sd": sd, "mcse": sd / np.sqrt(summary["Bulk_ESS"])})


def of_draws(draws: xr.DataArray | np.ndarray, names: list[str]) -> pd.DataFrame:
    """The same of draws (chains, draws, ...), a name for each of the trailing elements in C order."""
    values = np.asarray(draws, dtype=float)
    values = values.reshape(*values.shape[:2], -1)
    mcse = array_stats.mcse(values, method="mean", chain_axis=0, draw_axis=1)
    return pd.DataFrame(
        {"mean": values.mean((0, 1)), "sd": values.std((0, 1), ddof=1), "mcse": mcse}, index=names
    )


def assert_converged(fit: Fit, min_ess: float = 400) -> None:
    """R-hat at most 1.01, no divergences, bulk ESS at least ``min_ess``."""
    assert fit.convergence.rhat.max() <= 1.01, fit
    assert int(fit.sample_stats["diverging"].sum()) == 0, fit
    assert fit.convergence.bulk.min() >= min_ess, fit
