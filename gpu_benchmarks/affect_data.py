"""The affect data as the arrays that a model by hand takes, and the names of what it estimates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np
import pandas as pd

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Columns:
    """The columns of one model.

    Attributes:
        outcomes: M outcomes.
        mean: K population-level columns of every mean, beside the intercept.
        varying: coefficients of every mean that vary between people.
        scale: population-level columns of log sigma, None where sigma is one number.
        scale_varying: coefficients of log sigma that vary.
    """

    outcomes: tuple[str, ...]
    mean: tuple[str, ...]
    varying: tuple[str, ...]
    scale: tuple[str, ...] | None = None
    scale_varying: tuple[str, ...] = ()

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Of each outcome's parameters: nothing for a single one."""
        if len(self.outcomes) == 1:
            return ("",)
        return tuple(f"{name.replace('.', '')}_" for name in self.outcomes)

    @property
    def terms(self) -> list[str]:
        """Names of the Q coefficients that vary, those of the means first."""
        means = [f"{prefix}{name}" for prefix in self.prefixes for name in self.varying]
        return means + [f"sigma_{name}" for name in self.scale_varying]


LAGS = ("NA_lag", "PA_lag")
STEPS = ("steps.pm", "steps.pmd", "steps.pm:steps.pmd")
COLUMNS = {
    "m1": Columns(("NA.std",), LAGS, ("Intercept", *LAGS)),
    "m2": Columns(("NA.std", "PA.std"), (), ("Intercept",)),
    "m3": Columns(("NA.std", "PA.std"), LAGS, ("Intercept", *LAGS)),
    "m4": Columns(("PA.std",), (), ("Intercept",), (), ("Intercept",)),
    "m5": Columns(
        ("PA.std",),
        ("day", "PA_lag", "NA_lag", *STEPS),
        ("Intercept", "day", "steps.pmd"),
        ("PA_lag", "NA_lag", *STEPS),
        ("Intercept", "steps.pmd"),
    ),
}


def arrays(columns: Columns, table: pd.DataFrame) -> Arrays:
    """What the programs take.

    Returns:
        ``person`` (N,); ``y`` (N,) or (N, M); ``X`` (N, K) centred, since the published prior of the
        intercept is for centred columns; ``Z`` (N, Q), uncentred; ``W`` and ``V`` alike for log sigma.
    """
    y = table[list(columns.outcomes)].to_numpy()
    out = {
        "person": np.unique(table["id"], return_inverse=True)[1].astype(np.int32),
        "y": y[:, 0] if len(columns.outcomes) == 1 else y,
        "X": centered(matrix(table, columns.mean)),
        "Z": matrix(table, columns.varying),
    }
    if columns.scale is not None:
        out["W"] = centered(matrix(table, columns.scale))
        out["V"] = matrix(table, columns.scale_varying)
    return out


def matrix(table: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """(N, K) columns; ``"a:b"`` is a product, ``"Intercept"`` is 1."""
    values = {"Intercept": np.ones(len(table)), **{name: table[name].to_numpy(float) for name in table}}
    products = [prod(values[factor] for factor in name.split(":")) for name in names]
    return np.stack(products, axis=-1) if products else np.zeros((len(table), 0))


def centered(columns: np.ndarray) -> np.ndarray:
    """(N, K) columns less their means."""
    return columns - columns.mean(0)


def good_start(columns: Columns, data: Mapping[str, np.ndarray]) -> Arrays:
    """Starting values for both peers: least squares, small effects of people that are 0 yet.

    NumPyro's default start, uniform(-2, 2) on the unconstrained scale, can freeze model 5 for good; PyMC's,
    slopes of ``day`` of order 1, leaves nutpie at 1023 leapfrog steps a draw.

    Returns:
        Values of more sites than any one program has; ``sd`` allows for the scale of its column.
    """
    y, X, n_effects = data["y"], data["X"], len(columns.terms)
    b = np.linalg.lstsq(X, y - y.mean(0), rcond=None)[0]
    sigma = np.std(y - X @ b, axis=0)
    varying = [*[data["Z"]] * len(columns.outcomes), *([data["V"]] if "V" in data else [])]
    size = np.sqrt(np.mean(np.concatenate(varying, axis=1) ** 2, axis=0))
    return {
        "Intercept": y.mean(0),
        "b": b,
        "sigma": sigma,
        "sigma_Intercept": np.log(sigma),
        "sigma_b": np.zeros(data["W"].shape[1] if "W" in data else 0),
        "sd": 0.3 / size,
        "L": np.eye(n_effects),
        "z": np.zeros((data["person"].max() + 1, n_effects)),
        "L_rescor": np.eye(2),
    }


def named(columns: Columns, table: pd.DataFrame, draws: Mapping[str, np.ndarray]) -> Arrays:
    """Population-level draws under the names that hmlm and brms give them, each (chain, draw).

    Args:
        columns: the model.
        table: the data, whose means turn intercepts into those of uncentred columns.
        draws: ``Intercept``, ``b``, ``sigma``, ``sd`` and so on as the programs have them, with leading
            axes (chain, draw); correlations as matrices ``cor`` and ``rescor``.
    """
    return dict(_named(columns, table, draws))


def _named(
    columns: Columns, table: pd.DataFrame, draws: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    outer = draws["sd"].shape[:2]
    n_outcomes, n_columns = len(columns.outcomes), len(columns.mean)
    intercept = draws["Intercept"].reshape(*outer, n_outcomes)
    b = draws["b"].reshape(*outer, n_columns, n_outcomes) if n_columns else np.zeros((*outer, 0, n_outcomes))
    for m, prefix in enumerate(columns.prefixes):
        yield from _coefficients(prefix, columns.mean, table, intercept[..., m], b[..., m])
        if columns.scale is None:
            yield f"sigma_{prefix}".removesuffix("_"), draws["sigma"].reshape(*outer, n_outcomes)[..., m]
    if columns.scale is not None:
        slopes = draws["sigma_b"] if columns.scale else np.zeros((*outer, 0))
        yield from _coefficients("sigma_", columns.scale, table, draws["sigma_Intercept"], slopes)
    yield from ((f"sd_id__{term}", draws["sd"][..., q]) for q, term in enumerate(columns.terms))
    yield from _correlations("cor_id", columns.terms, draws["cor"])
    if "rescor" in draws:
        yield from _correlations("rescor", [p.removesuffix("_") for p in columns.prefixes], draws["rescor"])


def _coefficients(
    prefix: str, names: tuple[str, ...], table: pd.DataFrame, intercept: np.ndarray, b: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    yield f"b_{prefix}Intercept", intercept - b @ matrix(table, names).mean(0)
    yield from ((f"b_{prefix}{name}", b[..., k]) for k, name in enumerate(names))


def _correlations(prefix: str, names: list[str], matrices: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    for i, j in combinations(range(len(names)), 2):
        yield f"{prefix}__{names[i]}__{names[j]}", matrices[..., i, j]
