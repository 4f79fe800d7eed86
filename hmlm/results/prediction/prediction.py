"""A prediction: values of every row in every draw, made chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from jax import Array

from hmlm.density.precision import double_precision
from hmlm.results.prediction.draws import Draws
from hmlm.results.table import check_prob, estimates
from hmlm.spec.hint import listed
from hmlm.types import HmlmError

RESP, CATEGORY = "resp", "category"  # dimensions beside those of draws and rows
AT_A_TIME = 2**21  # values on the device and on the host


@dataclass(frozen=True)
class Prediction:
    """Predicted values of N rows in S draws; iterate over :meth:`chunks`, or take them all.

    Attributes:
        name: what is predicted: ``"epred"``.
        labels: (N,) the rows.
        outcomes: M names along the last dimension: outcomes, or categories of one outcome.
        draws: the draws.
        evaluate: first row and R -> (M, R, S) values.
        residual_of: (M, N) outcomes from which the values are subtracted, None for the values themselves.
        scale: first row and R -> (M, R, S) by which these differences are divided; None leaves them.
        along: the last dimension, ``"resp"`` or ``"category"``.
        levels: what the codes 0 to K - 1 among the values stand for, () of other values.
    """

    name: str
    labels: np.ndarray
    outcomes: tuple[str, ...]
    draws: Draws
    evaluate: Callable[[int, int], Array]
    residual_of: np.ndarray | None = None
    scale: Callable[[int, int], Array] | None = None
    along: str = RESP
    levels: tuple[str, ...] = ()

    @property
    def single(self) -> bool:
        """Whether there is one value per row and draw."""
        return self.along == RESP and len(self.outcomes) == 1

    def require_numbers(self, what: str) -> None:
        """Raise HmlmError if these are probabilities of levels, for which ``what`` is not defined."""
        if self.along == CATEGORY:
            raise HmlmError(
                f"{what} is not defined for an outcome of levels, whose expected values are probabilities "
                f"of {listed(self.outcomes[:6])}; compare these with the outcomes, or use loo"
            )

    def chunks(self, rows: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """Which rows, and their (M, R, S) values; as many ``rows`` at a time as fit well, or as said."""
        n = len(self.labels)
        size = min(n, rows or max(1, AT_A_TIME // (self.draws.size * len(self.outcomes))))
        for start in range(0, n, size):
            where = slice(start, min(start + size, n))
            values = self._values(self.evaluate, start, size)
            if self.residual_of is not None:
                values = self.residual_of[:, where, None] - values
            yield where, values if self.scale is None else values / self._values(self.scale, start, size)

    def _values(self, evaluate: Callable[[int, int], Array], start: int, size: int) -> np.ndarray:
        """(M, R, S) without what is past the last row."""
        with double_precision():
            return np.asarray(evaluate(start, size))[:, : len(self.labels) - start]

    def array(self) -> xr.DataArray:
        """All values, dims ``(chain, draw, row)``, for some of the draws ``(sample, row)``.

        With several outcomes a last dimension ``resp``; probabilities of levels have one called ``category``.
        Codes of levels have these in the attribute ``levels``.
        """
        out = np.empty((self.draws.size, len(self.labels), len(self.outcomes)))
        for where, values in self.chunks():
            out[:, where] = values.transpose(2, 1, 0)
        return self._labelled(out)

    def mean(self) -> np.ndarray:
        """(M, N) means over the draws, never all draws of all rows."""
        return np.concatenate([values.mean(axis=2) for _, values in self.chunks()], axis=1)

    def summary(self, prob: float = 0.95) -> pd.DataFrame:
        """Mean, standard deviation and equal-tailed interval of every row, never all draws of all rows."""
        check_prob(prob)
        parts = [
            pd.DataFrame(estimates(values.reshape(-1, 1, self.draws.size), prob), index=self._index(where))
            for where, values in self.chunks()
        ]
        place = {name: i for i, name in enumerate(self.outcomes)}
        in_order = (lambda names: names.map(place)) if self.along == CATEGORY else None
        return pd.concat(parts).sort_index(level=0, sort_remaining=False, kind="stable", key=in_order)

    def _index(self, where: slice) -> pd.Index:
        """Rows of a chunk, outcome by outcome."""
        labels = self.labels[where]
        if self.single:
            return pd.Index(labels, name="row")
        return pd.MultiIndex.from_product([self.outcomes, labels], names=[self.along, "row"])

    def _labelled(self, values: np.ndarray) -> xr.DataArray:
        """From (S, N, M)."""
        array = self.by_draw(values, ("row", self.along))
        array = array.assign_coords({"row": self.labels, self.along: list(self.outcomes)})
        array = array.isel(resp=0, drop=True) if self.single else array
        return array.assign_attrs(levels=list(self.levels)) if self.levels else array

    def by_draw(self, values: np.ndarray, dims: tuple[str, ...]) -> xr.DataArray:
        """(S, ...) values with these dimensions after those of the draws."""
        posterior, found = self.draws.posterior, self.draws.coordinates()
        if self.draws.size < posterior.sizes["chain"] * posterior.sizes["draw"]:
            coords = {name: ("sample", where) for name, where in found.items()}
            return xr.DataArray(values, coords, ("sample", *dims), name=self.name)
        coords = {dim: posterior[dim].values for dim in ("chain", "draw")}
        shape = (len(coords["chain"]), len(coords["draw"]), *values.shape[1:])
        return xr.DataArray(values.reshape(shape), coords, ("chain", "draw", *dims), name=self.name)
