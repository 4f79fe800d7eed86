"""What a maximum-likelihood fit says about itself."""

from __future__ import annotations

from dataclasses import dataclass

from hmlm.results.info import Row


@dataclass(frozen=True)
class VarianceRow:
    """One entry of the variance table.

    Attributes:
        group: grouping factor, or ``"Residual"``.
        first, second: names of the coefficients (or outcomes); ``second`` is None for a variance.
        variable: the parameter that holds the standard deviation or correlation.
        factors: the parameters whose product is the variance or covariance.
    """

    group: str
    first: str | None
    second: str | None
    variable: str
    factors: tuple[str, ...]


@dataclass(frozen=True)
class MlInfo:
    """Everything ``print(fit)`` says beside the numbers.

    Attributes:
        family, links, formulas, data_name, n_rows, n_dropped, factors, rows: as in :class:`FitInfo`.
        restricted: REML.
        fixed: names of the coefficients of means.
        variances: rows of the variance table.
        converged: whether nothing was left to gain.
        rise: by how much the log likelihood could still rise.
        flat: whether the likelihood is flat in some direction.
        singular: blocks whose covariance is singular.
        seconds: wall-clock seconds by phase.
    """

    family: str
    links: tuple[str, ...]
    formulas: tuple[tuple[str, ...], ...]
    data_name: str
    n_rows: int
    n_dropped: int
    factors: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]
    restricted: bool
    fixed: tuple[str, ...]
    variances: tuple[VarianceRow, ...]
    converged: bool
    rise: float
    flat: bool
    singular: tuple[str, ...]
    seconds: tuple[tuple[str, float], ...]

    @property
    def method(self) -> str:
        """``"maximum likelihood"``, or ``"restricted maximum likelihood (REML)"``."""
        return "restricted maximum likelihood (REML)" if self.restricted else "maximum likelihood"

    @property
    def title(self) -> str:
        """The formulas in one line."""
        return "; ".join(line for outcome in self.formulas for line in outcome)
