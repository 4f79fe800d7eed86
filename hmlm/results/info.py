"""What a fit says about itself: plain, JSON-able facts for printing and storage."""

from __future__ import annotations

import math
from dataclasses import dataclass

DRAWING = ("warmup", "sampling")  # the phases in which chains move
PRIOR = "prior"  # the algorithm of independent draws from the prior
MAP, LAPLACE, PATHFINDER, SVI = "MAP", "Laplace", "Pathfinder", "SVI"
APPROXIMATIONS = (MAP, LAPLACE, PATHFINDER, SVI)  # algorithms whose draws are not the posterior's


@dataclass(frozen=True)
class Row:
    """One population-level scalar parameter of the summary.

    Attributes:
        variable: the draw's name, ``"sd_id__Intercept"``.
        label: brms's printed label, ``"sd(Intercept)"``.
        section: ``"group"``, ``"smooth"``, ``"population"``, ``"simplex"``, ``"series"``, ``"family"`` or
            ``"residual"``.
        group: the grouping factor for the section ``"group"``, else ``""``.
    """

    variable: str
    label: str
    section: str
    group: str = ""


@dataclass(frozen=True)
class FitInfo:
    """Everything ``print(fit)`` says beside the table.

    Attributes:
        family: as printed, ``"gaussian"`` or ``"MV(gaussian, gaussian)"``.
        links: one line per outcome, ``"mu = identity; sigma = log"``.
        formulas: per outcome the lines as printed, the mean's first: ``("PA.std ~ 1 + (1 | c | id)",
            "sigma ~ 1 + (1 | c | id)")``.
        priors: one line per prior used, ``"b ~ normal(0, 1)"``.
        data_name: what to call the table.
        n_rows, n_dropped: rows used, rows left out for missing values.
        factors: (name, number of levels) of each grouping factor.
        rows: the summary's parameters in brms's order.
        algorithm: ``"NUTS"``, ``"ChEES"``, ``"MEADS"``, ``"prior"`` for draws that no data have changed,
            or one of :data:`APPROXIMATIONS`.
        chains, warmup, draws: per-chain warm-up and post-warm-up draws.
        seed: the seed of the run.
        density: one line of how effects were treated, as ``explain()`` says.
        seconds: wall-clock seconds by phase from the call of ``fit`` on: ``(("prepare", 0.3),
            ("compile", 2.1), ("start", 0.0), ("warmup", 3.0), ("sampling", 4.0))``.
        max_tree_depth: trees deeper than this are cut.
        interrupted: whether Ctrl-C ended the run early.
        versions: ``(("hmlm", "0.1.0"), ("jax", ...), ...)``.
        data_hash: of the outcomes in the rows used: fits with equal ones are of the same data, whatever
            predicts them; empty where it is not known.
        thin: the last of every so many draws was kept.
        khat: Pareto k-hat of an approximation; None where it has none.
        resampled: whether an approximation's draws were taken by importance.
        together: chains that one device advanced by vmap, each waiting for the longest trajectory among them.
        superchains: starting points that chains shared, taking turns; 0 if each had its own.
        device: on what it was sampled, and why there: ``"CPU: no GPU found"``.
    """

    family: str
    links: tuple[str, ...]
    formulas: tuple[tuple[str, ...], ...]
    priors: tuple[str, ...]
    data_name: str
    n_rows: int
    n_dropped: int
    factors: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]
    algorithm: str
    chains: int
    warmup: int
    draws: int
    seed: int
    density: str
    seconds: tuple[tuple[str, float], ...]
    max_tree_depth: int
    interrupted: bool = False
    versions: tuple[tuple[str, str], ...] = ()
    data_hash: str = ""
    thin: int = 1
    khat: float | None = None
    resampled: bool = False
    together: int = 1
    superchains: int = 0
    device: str = ""

    @property
    def approximate(self) -> bool:
        """Whether the draws are those of an approximation of the posterior."""
        return self.algorithm in APPROXIMATIONS

    @property
    def of_mode(self) -> bool:
        """Whether there is one point, the mode."""
        return self.algorithm == MAP

    @property
    def first_draw(self) -> float:
        """Seconds from the call of ``fit`` until the first draw of warm-up begins; NaN if nobody looked."""
        before = [seconds for phase, seconds in self.seconds if phase not in DRAWING]
        return sum(before) if before else math.nan

    @property
    def of_prior(self) -> bool:
        """Whether the draws are the prior's."""
        return self.algorithm == PRIOR
