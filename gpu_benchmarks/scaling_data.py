"""Simulated tables of any size, and the two models that scaling is measured on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

import hmlm as hm

STATISTICS, ROWS = "statistics", "rows"
KERNELS = (STATISTICS, ROWS)
PRIOR = "normal(0, 1)"


class Case(NamedTuple):
    """Which kernel, N rows, J levels, q varying coefficients of the mean, C chains."""

    kernel: str
    rows: int
    levels: int
    effects: int
    chains: int


def simulated(case: Case, seed: int = 14) -> pd.DataFrame:
    """The table with columns ``y``, ``x1`` ... , ``g``; levels have as equally many rows as can be."""
    rng = np.random.default_rng(seed)
    g = np.arange(case.rows) % case.levels
    x = rng.normal(size=(case.rows, n_columns(case)))
    effects = rng.normal(0, 0.3, (case.levels, case.effects))
    Z = np.column_stack([np.ones(case.rows), x])[:, : case.effects]
    scale = np.exp(-0.3 + 0.2 * x[:, 0]) if case.kernel == ROWS else 0.7
    y = 0.2 * x.sum(1) + (Z * effects[g]).sum(1) + scale * rng.normal(size=case.rows)
    columns = {f"x{k + 1}": x[:, k] for k in range(x.shape[1])}
    return pd.DataFrame({"y": y, **columns, "g": g})


def n_columns(case: Case) -> int:
    """Columns beside the constant: those that vary, and one at least."""
    return max(case.effects - 1, 1)


def stated(case: Case, table: pd.DataFrame, **backend: object) -> hm.Model:
    """The model: sigma constant for statistics, ``sigma ~ 1 + x1 + (1 | g)`` for rows."""
    names = [f"x{k + 1}" for k in range(n_columns(case))]
    varying = " + ".join(["1", *names[: case.effects - 1]])
    mean = f"y ~ 1 + {' + '.join(names)} + ({varying} | g)"
    formula = hm.bf(mean, sigma="~ 1 + x1 + (1 | g)") if case.kernel == ROWS else mean
    return hm.model(formula, table, prior=[hm.prior(PRIOR, class_="b")], **backend)
