"""What a fit of an approximation says of itself: what it is not, how far to trust it, what to do instead.

References:
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, arXiv:1507.02646
    Yao, Vehtari, Simpson & Gelman (2018), Yes, but did it work?, arXiv:1802.02538
"""

from __future__ import annotations

import textwrap

import pandas as pd

from hmlm.results.info import LAPLACE, MAP, PATHFINDER, SVI, FitInfo
from hmlm.types import HmlmError

GOOD, USABLE = 0.5, 0.7
WIDTH = 79
POINT_COLUMNS = ("variable", "Estimate")
OF_CHAINS = ("Rhat", "Bulk_ESS", "Tail_ESS")

WHAT = {
    MAP: "the mode of the posterior density over the sampler's coordinates. It says nothing of uncertainty, "
    "and where a posterior is skewed its mode lies off the mean and median",
    LAPLACE: "draws of the normal that has the mode and the curvature of the posterior, over the sampler's "
    "coordinates. It knows no skewness and no tails, and no other mode",
    PATHFINDER: "draws of normals that the ways of an optimiser uphill suggested. They know no skewness and "
    "no tails, and their spread is rough",
    SVI: "draws of the normal with the smallest KL divergence to the posterior that stochastic gradients "
    "found, group effects independent of each other. Such a normal is rather too narrow than too wide",
}


def closing(info: FitInfo) -> str:
    """The last paragraph of ``print(fit)``."""
    return textwrap.fill(f"{statement(info)} {trust(info)}", WIDTH, break_on_hyphens=False)


def statement(info: FitInfo) -> str:
    """What it is and what it is not."""
    return f"An approximation, not the posterior: {WHAT[info.algorithm]}."


def trust(info: FitInfo) -> str:
    """What k-hat says, or what to do without one."""
    if info.khat is None:
        return 'For intervals: algorithm="laplace" or, better, m.fit().'
    how = "They were resampled by importance." if info.resampled else "They are as they were drawn."
    return f"{how} Pareto k-hat = {info.khat:.2f}: {verdict(info.khat)}."


def verdict(khat: float) -> str:
    """What a k-hat means, in words."""
    if khat < GOOD:
        return "good, estimates can be used"
    if khat < USABLE:
        return "usable, estimates are roughly right; sample before they are published"
    return "do not use these estimates for more than a first look"


def shown(info: FitInfo, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a summary that mean something: of independent draws no R-hat, of a mode one number."""
    if info.of_mode:
        return frame[[name for name in frame.columns if name in POINT_COLUMNS]]
    return frame.drop(columns=[name for name in OF_CHAINS if name in frame]) if info.approximate else frame


def check_has_draws(info: FitInfo, what: str) -> None:
    """Refuse for a mode what takes draws.

    Raises:
        HmlmError: the fit is a mode.
    """
    if info.of_mode:
        raise HmlmError(
            f'{what} needs draws, and algorithm="map" gives one point: fit.update(algorithm="laplace"), or '
            'fit.update(algorithm="nuts")'
        )


def check_is_sampled(info: FitInfo, what: str) -> None:
    """Refuse for an approximation what only a sampled posterior has.

    Raises:
        HmlmError: the fit is an approximation.
    """
    if info.approximate:
        raise HmlmError(
            f"{what} is of sampled posteriors, and this is an approximation ({info.algorithm}): "
            'fit.update(algorithm="nuts")'
        )
