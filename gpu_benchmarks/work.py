"""How many bytes the likelihood kernels must read and write, and how many operations they must do.

Counted from sizes alone, term by term, for value and gradient in one call: what no implementation of the
algebra of ``kernels/`` can leave out. One operation is an addition, a multiplication or both fused into one
instruction; square roots and divisions count as one, an exponential or logarithm as ``EXP``. Padding, loop
overhead, shuffles and what is read twice are not counted, so that both counts are lower bounds.

Letters: N rows, J levels, T cells of rows with one sigma, Q effects per level that are integrated out, M
outcomes, K distinct columns of the rows, B basis columns of the statistics.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hmlm.density.log_density import LogDensity
from hmlm.density.moments import outcomes_of
from hmlm.spec.spec import Spec

EXP = 15  # range reduction by 4 operations and a polynomial of degree 11, as vector libraries have it

Terms = dict[str, int]


@dataclass(frozen=True)
class RowKernel:
    """Row Gaussian, location effects integrated out.

    Attributes:
        rows, levels: N, J.
        columns: K distinct columns.
        mean_columns, scale_columns: how many of them the means and the log sigmas of all outcomes use; no
            scale columns means that sigma does not vary between rows.
        effects, outcomes: Q, M.
    """

    rows: int
    levels: int
    columns: int
    mean_columns: int
    scale_columns: int
    effects: int
    outcomes: int

    def bytes(self, itemsize: int = 8) -> Terms:
        """Columns ``K N`` and outcomes ``M N`` are read once: the second pass finds a level's rows in cache;
        coefficients by level ``B, S`` are read and their gradients written, ``2 (K_mean + K_scale) J``; the
        factor ``Lambda`` and its gradient, ``2 Q^2``, do not grow."""
        return {
            "columns": self.columns * self.rows * itemsize,
            "outcomes": self.outcomes * self.rows * itemsize,
            "coefficients": 2 * (self.mean_columns + self.scale_columns) * self.levels * itemsize,
            "factor": 2 * self.effects**2 * itemsize,
        }

    def operations(self) -> Terms:
        """Per row, times N, and per level, times J (:func:`small_algebra`).

        First pass: residual ``r = y - d B``: K_mean. Log sigma ``s = d S``: K_scale, and ``sum s``: M.
        Weight ``exp(-2 s)``, or ``exp(-s)`` per outcome: M (EXP + 1); with several outcomes also
        ``W = D^-1 R^-1 D^-1``, two products for each of M (M + 1) / 2 entries. ``W r``: M^2; ``r'W r``: M.
        ``g += z W r``: Q. ``G += z W z'``: Q M for ``W z`` and Q (Q + 1) / 2.
        Second pass: ``e = r - z u``: Q. ``H = z V z'``: Q (Q + 1) / 2 + Q. ``W e``: M^2. Derivative in s: 3
        for one outcome, else ``D^-1 (e e' + H) D^-1`` with 3 per entry, ``[R^-1 Q]_mm - 1`` with M^2 and
        the sum for the derivative in R with 1 per entry. Back to coefficients: K_mean + K_scale.
        """
        m, q = self.outcomes, self.effects
        pairs, entries = q * (q + 1) // 2, m * (m + 1) // 2
        several, varies = m > 1, self.scale_columns > 0
        per_row = {
            "predictors": self.mean_columns + self.scale_columns + m * varies,
            "weights": m * (EXP + 1) * varies + 2 * entries * several * varies,
            "quadratic form": m * m + m + q + (q * m + pairs) * (q > 0),
            "residuals given effects": q + pairs + q + m * m,
            "derivative in log sigma": (4 * entries + m * m if several else 3) * varies,
            "back to coefficients": self.mean_columns + self.scale_columns,
        }
        rows = {name: count * self.rows for name, count in per_row.items()}
        return {**rows, "levels": small_algebra(q) * self.levels}


@dataclass(frozen=True)
class StatisticsKernel:
    """Sufficient statistics, location effects integrated out.

    Attributes:
        cells, levels: T, J.
        basis, effects, outcomes: B, Q, M.
        varies: whether sigma differs between cells; then every cell has its own ``S`` (B, B).
        shifted: whether effects on log sigma are sampled, whose correlation shifts the others' mean.
    """

    cells: int
    levels: int
    basis: int
    effects: int
    outcomes: int
    varies: bool
    shifted: bool

    def bytes(self, itemsize: int = 8) -> Terms:
        """Per cell: basis by varying columns, ``B Q``; ``Z'Z``, Q (Q + 1) / 2; where sigma varies ``S``,
        B (B + 1) / 2, the number of rows, log sigma read and its gradient written, 2 M. The shift and its
        gradient, 2 Q per level."""
        per_cell = {
            "basis by effects": self.basis * self.effects,
            "effects by effects": _half(self.effects),
            "basis by basis": (_half(self.basis) + 1) * self.varies,
            "log sigma": 2 * self.outcomes * self.varies,
        }
        cells = {name: count * self.cells * itemsize for name, count in per_cell.items()}
        return {**cells, "shift": 2 * self.effects * self.levels * self.shifted * itemsize}

    def operations(self) -> Terms:
        """Per cell, times T, and per level, times J (:func:`small_algebra`).

        ``Z'r`` of every outcome: M B Q, the same again for its gradient. Weights: M (EXP + 2) and one product
        per entry of W where sigma varies. Score ``W Z'r``: M Q, and M Q back. ``F = W * Z'Z``: Q (Q + 1) / 2,
        and as much back. ``r'S r`` where sigma varies: B (B + 1) / 2 per entry of (M, M), and B M back;
        weighted sum: 2 per entry. Shift: ``Z'Z shift`` Q^2, 2 Q for what it takes off, and as much back.
        Sums over the cells of a level: Q (Q + 3) / 2 where there are more cells than levels.
        """
        m, q, entries = self.outcomes, self.effects, _half(self.outcomes)
        per_cell = {
            "residuals by effects": 2 * m * self.basis * q,
            "weights": (m * (EXP + 2) + entries * (m > 1)) * self.varies,
            "score and precision": 2 * (m * q + _half(q)),
            "residuals by residuals": (entries * (_half(self.basis) + 2) + self.basis * m) * self.varies,
            "shift": 2 * (q * q + 2 * q) * self.shifted,
            "sums by level": (_half(q) + q) * (self.cells > self.levels),
        }
        cells = {name: count * self.cells for name, count in per_cell.items()}
        return {**cells, "levels": small_algebra(q) * self.levels}


Kernel = RowKernel | StatisticsKernel


def small_algebra(q: int) -> int:
    """Operations per level of eliminating Q effects, value and gradient (``kernels/eliminate.py``).

    With h = Q (Q + 1) / 2 and t = Q (Q + 1) (Q + 2) / 6: ``F Lambda`` Q h, ``A = I + Lambda'F Lambda`` t,
    ``v = Lambda'g`` h, Cholesky t, its logarithm EXP, inverse of the factor t, ``A^-1`` t, ``x`` Q^2,
    ``v'x`` Q, ``u = Lambda x`` h, ``V = Lambda A^-1 Lambda'`` Q h + t, derivative in F h, in Lambda
    ``g x' - F Lambda (A^-1 + x x')`` 2 h + Q h.
    """
    if q == 0:
        return 0
    h, t = _half(q), q * (q + 1) * (q + 2) // 6
    return 3 * q * h + 5 * t + 5 * h + q * q + q + EXP


def _half(n: int) -> int:
    return n * (n + 1) // 2


def kernel_of(density: LogDensity) -> Kernel:
    """The kernel that a log density calls, with its sizes.

    Raises:
        ValueError: it eliminates several crossed or nested factors, which these counts leave out.
    """
    spec, plan, stats = density.spec, density.plan, density.data.statistics
    if len(plan.factors) > 1:
        raise ValueError(f"no count for {len(plan.factors)} factors that are integrated out together")
    n_effects, n_levels = len(outcomes_of(spec, plan, *plan.local)), _levels(density)
    if stats is None:
        means, scales = (_columns(density, kind) for kind in (True, False))
        union = set().union(*means, *scales)
        return RowKernel(
            rows=spec.n_rows,
            levels=n_levels,
            columns=len(union - {0}),
            mean_columns=sum(map(len, means)),
            scale_columns=sum(map(len, scales)),
            effects=n_effects,
            outcomes=len(spec.outcomes),
        )
    n_cells = int(stats.count.shape[0])
    return StatisticsKernel(
        cells=n_cells,
        levels=n_levels,
        basis=int(stats.mixed.shape[0]),
        effects=n_effects,
        outcomes=len(spec.outcomes),
        varies=any(predictor.dpar != "mu" for predictor in spec.predictors),
        shifted=any(part.n_sampled > 0 for part in plan.blocks),
    )


def _levels(density: LogDensity) -> int:
    main = density.plan.main(density.spec)
    return 1 if main is None else density.spec.factors[main].n_levels


def _columns(density: LogDensity, of_means: bool) -> list[set[int]]:
    """Per predictor of that kind, the distinct columns it uses, its intercept being column 0."""
    spec, population = density.spec, density.data.model.population
    return [
        {*([] if predictor.intercept is None else [0]), *population[p].position, *_varying(spec, density, p)}
        for p, predictor in enumerate(spec.predictors)
        if (predictor.dpar == "mu") == of_means
    ]


def _varying(spec: Spec, density: LogDensity, p: int) -> Iterable[int]:
    for block, columns in zip(spec.blocks, density.data.model.varying, strict=True):
        yield from (c for term, c in zip(block.terms, columns, strict=True) if term.predictor == p)
