"""``fit.diagnostics()``: what the sampler did, a row per chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hmlm.results.convergence import convergence
from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.energies import bfmi

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

SAMPLING = "sampling"


def diagnostics(fit: Fit) -> pd.DataFrame:
    """What the sampler did after warm-up, a row per chain, chains counted from 1 as by :meth:`diagnose`.

    Returns:
        Columns, as far as the sampler has them: ``divergences``; the means of ``acceptance_rate``,
        ``step_size``, ``tree_depth`` and ``trajectory_length``; ``saturated``, the share of draws at
        ``max_tree_depth``; ``gradients``, their number; ``wasted``, the share of the leapfrogs in which the
        chain waited for the longest trajectory among those that advance with it by vmap; ``ebfmi``;
        ``ess``, the smallest bulk ESS of a parameter in this chain alone; ``ess_per_gradient``;
        ``ess_per_second`` of sampling.

    References:
        Betancourt (2016), arXiv:1604.00695: E-BFMI
        Vehtari et al. (2021), doi:10.1214/20-BA1221: bulk ESS
    """
    evidence = Evidence(fit)
    columns = {**_means(evidence), **_of_trees(evidence), **_of_energies(evidence), **_efficiency(evidence)}
    index = pd.RangeIndex(1, evidence.n_chains + 1, name="chain")
    return pd.DataFrame(columns, index=index)


def wasted(fit: Fit) -> np.ndarray | None:
    """(C,) share of the leapfrogs in which a chain waited; None where trajectories are not counted.

    Chains of a group advance together until the longest trajectory ends, draw by draw. The mean over chains
    is ``1 - sum(n_steps) / (chains * sum of the largest n_steps of the group)``.
    """
    steps = Evidence(fit).statistic("n_steps")
    if steps is None:
        return None
    group = np.arange(len(steps)) // max(fit.info.together, 1)
    took = np.stack([steps[group == g].max(axis=0).sum() for g in np.unique(group)])[group]
    return 1 - steps.sum(axis=1) / np.maximum(took, 1)


def _means(evidence: Evidence) -> dict[str, np.ndarray]:
    diverging = evidence.statistic("diverging")
    counted = {} if diverging is None else {"divergences": diverging.sum(axis=1).astype(int)}
    names = ("acceptance_rate", "step_size", "tree_depth", "trajectory_length")
    found = {name: evidence.statistic(name) for name in names}
    return {**counted, **{name: v.mean(axis=1) for name, v in found.items() if v is not None}}


def _of_trees(evidence: Evidence) -> dict[str, np.ndarray]:
    depth, steps, share = (
        evidence.statistic("tree_depth"),
        evidence.statistic("n_steps"),
        wasted(evidence.fit),
    )
    limit = evidence.fit.info.max_tree_depth
    cut = {} if depth is None else {"saturated": (depth >= limit).mean(axis=1)}
    return cut if steps is None else {**cut, "gradients": steps.sum(axis=1), "wasted": share}


def _of_energies(evidence: Evidence) -> dict[str, np.ndarray]:
    energy = evidence.statistic("energy")
    return {} if energy is None else {"ebfmi": bfmi(energy)}


def _efficiency(evidence: Evidence) -> dict[str, np.ndarray]:
    ess = _smallest_ess(evidence.values)
    steps, seconds = evidence.statistic("n_steps"), dict(evidence.fit.info.seconds).get(SAMPLING)
    per_gradient = {} if steps is None else {"ess_per_gradient": ess / np.maximum(steps.sum(axis=1), 1)}
    per_second = {"ess_per_second": ess / seconds} if seconds else {}
    return {"ess": ess, **per_gradient, **per_second}


def _smallest_ess(values: np.ndarray) -> np.ndarray:
    """(C,) smallest bulk ESS over the parameters that vary in a chain, NaN where none does."""
    n, chains, draws = values.shape
    found = convergence(values.reshape(n * chains, 1, draws)).bulk.reshape(n, chains)
    known = np.where(np.isfinite(found), found, np.inf).min(axis=0, initial=np.inf)
    return np.where(np.isfinite(known), known, np.nan)
