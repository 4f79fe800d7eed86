"""A metric from draws and gradients: of all, the one in which the density looks most standard normal.

It minimises the Fisher divergence between a normal density with that covariance and the density sampled. For
draws ``x`` and gradients ``g`` a diagonal one has the variances ``sqrt(var(x) / var(g))``, a dense one solves
``S cov(g) S = cov(x)``. Of a normal density both are exact from as many draws as there are dimensions, for
its gradient is linear; covariances of draws alone need many times more.

References:
    Seyboldt, Carlson & Carpenter (2026), arXiv 2603.18845
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from hmlm.infer.metric import Metric

PRIOR_DRAWS = 5  # what the metric so far is worth, in draws


def learnt(positions: np.ndarray, gradients: np.ndarray, before: Metric) -> Metric:
    """The metric of (N, D) draws and gradients, few of them drawn towards the metric ``before``."""
    factor, sd = np.asarray(before.population), np.asarray(before.effects)
    n = len(factor)
    x, g = positions - positions.mean(axis=0), gradients - gradients.mean(axis=0)
    offsets = linalg.solve_triangular(factor, x[:, :n].T, lower=True).T if n else x[:, :0]
    dense = matching(_covariance(offsets), _covariance(g[:, :n] @ factor))
    ratio = _shrunk(_variance(x[:, n:] / sd), len(x)) / _shrunk(_variance(g[:, n:] * sd), len(x))
    found = Metric(factor @ np.linalg.cholesky(dense) if n else factor, sd * ratio**0.25)
    return found if before.directions is None else with_directions(found, x, g, len(before.directions))


def with_directions(metric: Metric, x: np.ndarray, g: np.ndarray, rank: int) -> Metric:
    """The metric with ``rank`` directions in which centred (N, D) draws and gradients differ most from it.

    Sought among those in which either varies most; of a direction in which both vary alike, as they do by
    chance where draws are few, nothing is learnt.
    """
    factor, n = metric.population, len(metric.population)
    population = linalg.solve_triangular(factor, x[:, :n].T, lower=True).T if n else x[:, :0]
    offsets = np.concatenate([population, x[:, n:] / metric.effects], axis=1)
    slopes = np.concatenate([g[:, :n] @ factor, g[:, n:] * metric.effects], axis=1)
    widest = [linalg.svd(part, full_matrices=False)[2][: 2 * rank].T for part in (offsets, slopes)]
    basis = linalg.qr(np.concatenate(widest, axis=1), mode="economic")[0]
    values, vectors = np.linalg.eigh(matching(_covariance(offsets @ basis), _covariance(slopes @ basis)))
    chosen = np.argsort(-np.abs(np.log(values)))[:rank]
    return metric._replace(directions=(basis @ vectors[:, chosen]).T, stretches=np.sqrt(values[chosen]))


def matching(of_draws: np.ndarray, of_gradients: np.ndarray) -> np.ndarray:
    """The (P, P) covariance ``S`` with ``S of_gradients S = of_draws``: their geometric mean."""
    values, vectors = np.linalg.eigh(of_gradients)
    root = vectors * np.sqrt(values) @ vectors.T
    inverse = vectors / np.sqrt(values) @ vectors.T
    middle, axes = np.linalg.eigh(root @ of_draws @ root)
    return inverse @ (axes * np.sqrt(np.maximum(middle, 0.0)) @ axes.T) @ inverse


def _covariance(centred: np.ndarray) -> np.ndarray:
    return _shrunk(centred.T @ centred / len(centred), len(centred), np.eye(centred.shape[1]))


def _variance(centred: np.ndarray) -> np.ndarray:
    return (centred**2).mean(axis=0)


def _shrunk(moments: np.ndarray, n: int, towards: np.ndarray | float = 1.0) -> np.ndarray:
    return (n * moments + PRIOR_DRAWS * towards) / (n + PRIOR_DRAWS)
