"""What Pareto k-hat says, and what to try where it is bad.

References:
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, arXiv:1507.02646
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from hmlm.results.elpd import Elpd

GOOD = 0.7
BAD = 1.0
MAX_P_WAIC = 0.4
NAMED = 5


def good_k(n_draws: int) -> float:
    """``min(1 - 1 / log10(S), 0.7)``, the k-hat that S draws can afford; nothing below ten draws."""
    return min(1.0 - 1.0 / np.log10(n_draws), GOOD) if n_draws > 1 else -np.inf


def khat_table(khat: np.ndarray, good: float) -> pd.DataFrame:
    """Counts and shares in percent; what is not a number is very bad."""
    edges = [khat <= good, (khat > good) & (khat <= BAD), ~(khat <= max(BAD, good))]
    index = [f"(-Inf, {good:.2f}]  good", f"({good:.2f}, 1]  bad", "(1, Inf)  very bad"]
    counts = [int(edge.sum()) for edge in edges]
    return pd.DataFrame({"Count": counts, "Pct.": [100.0 * n / len(khat) for n in counts]}, index=index)


def advice(elpd: Elpd) -> tuple[str, ...]:
    """One message per kind of problem."""
    return tuple(message for rule in (_bad_k, _p_waic) for message in rule(elpd))


def _bad_k(elpd: Elpd) -> Iterator[str]:
    if not elpd.bad.any():
        return
    yield (
        f"k-hat is above {elpd.good_k:.2f} for {_share(elpd, elpd.bad)}: {_worst(elpd)}. Without one of them "
        "the posterior would be too different from the one that was sampled, so that importance sampling "
        "misjudges them, mostly in the model's favour. " + _try(elpd)
    )


def _try(elpd: Elpd) -> str:
    if elpd.unit != "row":
        return (
            f"Look at these levels of {elpd.unit}: are they outlying or much larger than the others? Refit "
            f"without each of them in turn: fit.kfold(group={elpd.unit!r})."
        )
    if elpd.p > elpd.n_parameters:
        return (
            f"p_loo = {elpd.p:.0f} exceeds the model's {elpd.n_parameters} parameters: the model does not "
            "describe these data. Look at these rows, try predictors of sigma, varying slopes or a "
            "transformed outcome."
        )
    return (
        "Where a level has few rows, one of them decides its effects, and k-hat is high although the model "
        "is right: refit without these rows by fit.kfold(), or leave whole groups out: fit.loo(group=...), "
        "whose effects are integrated out. Otherwise look at these rows: they may be errors or outliers."
    )


def _p_waic(elpd: Elpd) -> Iterator[str]:
    high = elpd.p_i > MAX_P_WAIC
    if elpd.method == "waic" and high.any():
        yield (
            f"p_waic is above {MAX_P_WAIC} for {_share(elpd, high)}, where WAIC is unreliable: use "
            "fit.loo(), which knows where it fails."
        )


def _share(elpd: Elpd, bad: np.ndarray) -> str:
    noun = "rows" if elpd.unit == "row" else f"levels of {elpd.unit}"
    return f"{bad.sum()} of {len(bad)} {noun}"


def _worst(elpd: Elpd) -> str:
    """The first few labels, highest k-hat first."""
    order = np.argsort(-np.nan_to_num(elpd.khat, nan=np.inf), kind="stable")[: elpd.bad.sum()]
    named = ", ".join(f"{elpd.labels[i]} ({elpd.khat[i]:.2f})" for i in order[:NAMED])
    return named + (f" and {len(order) - NAMED} more" if len(order) > NAMED else "")
