"""Thresholds between levels in the pilot estimate: all of them move at once, and stay in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from hmlm.density.working import Varying

LARGEST_STEP = 0.7  # of a threshold, in one sweep
SMALLEST_GAP = 0.5  # of a gap that a step leaves

Rows = np.ndarray


def threshold_information(
    dpars: Sequence[str], fisher: Mapping[str, Rows], cross: Mapping[tuple[str, str], Rows]
) -> np.ndarray:
    """(T, T) expected information on the thresholds: only neighbours share some."""
    out = np.diag([np.sum(fisher[dpar]) for dpar in dpars])
    for k, pair in enumerate(pairwise(dpars)):
        out[k, k + 1] = out[k + 1, k] = np.sum(cross[pair])
    return out


def threshold_step(now: np.ndarray, score: np.ndarray, information: np.ndarray) -> np.ndarray:
    """(T,) thresholds after a Fisher-scoring step of bounded length that keeps at least half of every gap."""
    step = np.linalg.solve(information + 1e-8 * np.eye(len(now)), score)
    step = step * min(1.0, LARGEST_STEP / max(np.max(np.abs(step)), 1e-300))
    shrinks = np.max(-np.diff(step) / np.diff(now), initial=0.0)
    return now + step * min(1.0, SMALLEST_GAP / max(shrinks, 1e-300))


def threshold_covariance(information: np.ndarray, varying: Sequence[Varying]) -> np.ndarray:
    """(T, T) of thresholds: given the rest, and with the level that all groups of a factor share."""
    shared = sum(_shared_level(part) for part in varying)
    return np.linalg.inv(information + np.eye(len(information))) + shared


def _shared_level(part: Varying) -> float:
    """Variance of the mean of all levels' intercepts."""
    constant = np.all(part.columns[0] == 1.0)
    return float(part.covariance[0, 0] / part.mode.shape[1]) if constant else 0.0
