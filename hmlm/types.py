"""The values every layer shares: formulas, priors, designs and the errors that teach.

Nothing here computes. Sizes: ``N`` rows, ``K`` population-level columns, ``J`` levels of a grouping
factor, ``Q`` coefficients per level, ``M`` outcomes.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd


class HmlmError(ValueError):
    """Base of every error about what the user passed in."""


class FormulaError(HmlmError):
    """A formula that cannot be read; the message shows the position and the nearest valid form."""


class DataError(HmlmError):
    """A table that cannot be used; the message names the column, the level and what to do."""


class PriorError(HmlmError):
    """A prior that is malformed or for something the model does not have."""


class DataWarning(UserWarning):
    """Rows dropped or columns that deserve a look; the message counts them."""


class SamplingWarning(UserWarning):
    """Draws that should not be trusted yet; the message says what to try next."""


class CheckpointWarning(UserWarning):
    """A part of a run on disk that could not be used; the message names the file."""


class ComparisonWarning(UserWarning):
    """An estimate of predictive accuracy that should not be trusted; the message says what to try instead."""


class EstimationWarning(UserWarning):
    """A point estimate on a boundary, or one that was not reached; the message says what to do."""


# --- formulas -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MultiMembership:
    """brms's ``mm(a, b, weights = cbind(v, w), scale = TRUE)``: rows that belong to several levels.

    Attributes:
        weights: weight of each membership as pasted, ``("v", "w")``; () for equal ones.
        scale: whether the weights of a row are divided by their sum.
    """

    weights: tuple[str, ...] = ()
    scale: bool = True


class Structure(enum.Enum):
    """What makes the covariance of a group-level term, by glmmTMB's name: one rho says its correlations."""

    CS = "cs"
    HETAR1 = "hetar1"
    HOMCS = "homcs"
    AR1 = "ar1"

    @property
    def in_turn(self) -> bool:
        """Whether correlations are ``rho^|i - j|`` in the order of the terms, rather than all alike."""
        return self in (Structure.HETAR1, Structure.AR1)

    @property
    def homogeneous(self) -> bool:
        """Whether all terms have one standard deviation, rather than each its own."""
        return self in (Structure.HOMCS, Structure.AR1)


@dataclass(frozen=True)
class GroupTerm:
    """One group-level term, ``(expression | label | factor)``, after ``a/b`` was expanded.

    Attributes:
        expression: right-hand side of the varying coefficients, as pasted: ``"1 + day"``.
        columns: grouping columns; ``("hospital", "ward")`` is the interaction ``hospital:ward``.
        label: the shared-correlation ID between two bars, or None.
        correlated: False for ``||``.
        by: column whose levels have covariance matrices of their own, ``gr(id, by = sex)``, or None.
        cov: name of the known covariance between levels, ``gr(id, cov = A)``, or None.
        multiple: of ``mm(a, b)``, where the columns are memberships in one factor; None otherwise.
        structure: of ``cs(…)``, ``ar1(…)`` and so on; None where correlations are free, or none.
    """

    expression: str
    columns: tuple[str, ...]
    label: str | None = None
    correlated: bool = True
    by: str | None = None
    cov: str | None = None
    multiple: MultiMembership | None = None
    structure: Structure | None = None

    @property
    def factor(self) -> str:
        """Name of the grouping factor, ``"hospital:ward"``, ``"mmab"`` of ``mm(a, b)``."""
        return ":".join(self.columns) if self.multiple is None else f"mm{''.join(self.columns)}"


class Dependence(enum.Enum):
    """How residuals of one series depend on each other, by brms's name of the term."""

    AR = "ar"
    COSY = "cosy"
    UNSTR = "unstr"

    @property
    def matrix(self) -> bool:
        """Whether a correlation matrix says it, that of :class:`Repeated`."""
        return self is not Dependence.AR


@dataclass(frozen=True)
class ResidualSeries:
    """brms's ``ar(time, gr, p = 1, cov)``, ``cosy(time, gr)``, ``unstr(time, gr)``: series of residuals.

    Attributes:
        time: column that orders the rows; None for their order in the table.
        group: columns whose levels, joined, are the series; () for a single one.
        stationary: brms's ``cov``: the first residual has the variance that all have in the long run.
        dependence: on the residual before, equally on all others, or by a correlation for each two times.
    """

    time: str | None = None
    group: tuple[str, ...] = ()
    stationary: bool = False
    dependence: Dependence = Dependence.AR


@dataclass(frozen=True)
class SmoothTerm:
    """``s(x, by = f, k = 10, bs = "tp")``.

    Attributes:
        column: x.
        size: k, functions in the basis.
        basis: ``"tp"`` or ``"cr"``.
        by: column of categories with a function each, None without one.
        text: the term as brms writes it.
    """

    column: str
    size: int
    basis: str
    by: str | None
    text: str


@dataclass(frozen=True)
class PredictorFormula:
    """The right-hand side of one linear predictor.

    Attributes:
        population: population-level part with the group terms cut out, as pasted: ``"1 + day"``.
        groups: the group-level terms in the order written.
        text: the whole right-hand side with white space normalised, as brms prints it.
        offsets: what is inside each ``offset(…)``, as pasted; they add up.
        series: the ``ar(…)``, ``cosy(…)`` or ``unstr(…)`` of a mean, None without one.
        monotonic: the column inside each ``mo(…)``.
        smooths: each ``s(…)``.
    """

    population: str
    groups: tuple[GroupTerm, ...]
    text: str
    offsets: tuple[str, ...] = ()
    series: ResidualSeries | None = None
    monotonic: tuple[str, ...] = ()
    smooths: tuple[SmoothTerm, ...] = ()


@dataclass(frozen=True)
class OutcomeFormula:
    """One outcome with its linear predictors: what ``bf`` returns.

    Attributes:
        column: name of the outcome's column, ``"PA.std"``.
        mu: predictor of the mean.
        dpars: other distributional parameters with a formula, ``(("sigma", ...),)``.
        center: whether population-level columns are centred for sampling.
        additions: brms's addition terms, name and arguments as pasted: ``(("trials", "n"),)``.
        sd: what standard deviations between groups depend on, by factor or coefficient: ``(("id", ...),)``.
    """

    column: str
    mu: PredictorFormula
    dpars: tuple[tuple[str, PredictorFormula], ...] = ()
    center: bool = True
    additions: tuple[tuple[str, str], ...] = ()
    sd: tuple[tuple[str, PredictorFormula], ...] = ()

    def __add__(self, other: OutcomeFormula | ModelFormula | ResidualCorrelation) -> ModelFormula:
        return ModelFormula((self,)) + other

    @property
    def predictors(self) -> tuple[tuple[str, PredictorFormula], ...]:
        """All predictors, ``mu`` first."""
        return (("mu", self.mu), *self.dpars)

    @property
    def left(self) -> str:
        """What stands left of ``~``, ``"y | trials(n) + weights(w)"``."""
        terms = " + ".join(f"{name}({arguments})" for name, arguments in self.additions)
        return f"{self.column} | {terms}" if terms else self.column


@dataclass(frozen=True)
class ResidualCorrelation:
    """What ``set_rescor`` returns: whether residuals of several outcomes correlate, or a formula for that."""

    value: bool | PredictorFormula = True


@dataclass(frozen=True)
class ModelFormula:
    """One or more outcomes: ``bf(...) + bf(...) + set_rescor(True)``.

    Attributes:
        outcomes: the outcomes in the order written.
        rescor: residual correlation asked for; None if not said (then False); a formula where it depends on
            something.
    """

    outcomes: tuple[OutcomeFormula, ...]
    rescor: bool | PredictorFormula | None = None

    @property
    def joint(self) -> tuple[tuple[str, PredictorFormula], ...]:
        """Predictors of parameters that belong to all outcomes together."""
        return (("rescor", self.rescor),) if isinstance(self.rescor, PredictorFormula) else ()

    def __add__(self, other: OutcomeFormula | ModelFormula | ResidualCorrelation) -> ModelFormula:
        match other:
            case ResidualCorrelation(value):
                return ModelFormula(self.outcomes, value)
            case OutcomeFormula():
                return ModelFormula((*self.outcomes, other), self.rescor)
            case ModelFormula(outcomes, rescor):
                merged = self.rescor if rescor is None else rescor
                return ModelFormula((*self.outcomes, *outcomes), merged)
        return NotImplemented


# --- designs --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SmoothColumns:
    """What the columns of a smooth function are called.

    Attributes:
        name: of its wiggly part and standard deviation, ``"sx_1"``, of a by-level ``"sxfa_1"``.
        line: of its straight part, ``"sx_1"``, ``"sx:fa_1"``.
        size: wiggly columns.
        term: where it came from.
    """

    name: str
    line: str
    size: int
    term: SmoothTerm


@dataclass(frozen=True)
class PopulationDesign:
    """Population-level columns of one predictor.

    Attributes:
        matrix: (N, K) float64, uncentred, without the intercept's column; the lines of
            ``s(x)``, the steps of ``mo(x)`` and the wiggly columns of ``s(x)`` last.
        names: K coefficient names as R makes them (``"steps.pm:steps.pmd"``, ``"sexMale"``, ``"Intercept"``
            for ``0 + Intercept``), ``"sx_1"`` of lines, ``"mox1[1]"`` of steps and ``"sx_1[1]"`` of wiggly
            columns.
        intercept: whether there is an intercept apart from the columns.
        centered: whether columns are centred for sampling (needs the intercept).
        rebuild: new complete table -> (N', K) matrix with the same encodings.
        monotonic: name and number of steps of each monotonic effect, ``(("mox", 3),)``.
        smooths: every smooth function.
    """

    matrix: np.ndarray
    names: tuple[str, ...]
    intercept: bool
    centered: bool
    rebuild: Callable[[pd.DataFrame], np.ndarray] = field(compare=False, repr=False)
    monotonic: tuple[tuple[str, int], ...] = ()
    smooths: tuple[SmoothColumns, ...] = ()

    @property
    def plain(self) -> tuple[str, ...]:
        """The names without steps of monotonic effects and wiggly columns."""
        n_steps, n_wiggly = sum(size for _, size in self.monotonic), sum(s.size for s in self.smooths)
        return self.names[: len(self.names) - n_steps - n_wiggly]


@dataclass(frozen=True)
class GroupDesign:
    """Varying coefficients of one group-level term in one predictor; of ``gr(id, by = sex)`` for one sex.

    Attributes:
        term: where it came from.
        matrix: (N, Q) float64, the intercept as a column of ones; 0 in rows of other by-levels.
        names: Q coefficient names, ``"Intercept"`` first where there is one.
        rebuild: new complete table -> (N', Q) matrix.
        by: the by-variable and its level, ``"sexmale"``, empty without one.
        rows: (N,) whether a row is of that level; None without a by-variable.
    """

    term: GroupTerm
    matrix: np.ndarray
    names: tuple[str, ...]
    rebuild: Callable[[pd.DataFrame], np.ndarray] = field(compare=False, repr=False)
    by: str = ""
    rows: np.ndarray | None = field(default=None, compare=False, repr=False)

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Q names without the level of the by-variable."""
        return tuple(name.removesuffix(f":{self.by}") for name in self.names)


@dataclass(frozen=True)
class PredictorDesign:
    """All columns of one linear predictor.

    Attributes:
        response: cleaned name of the outcome, empty for a parameter of all outcomes together.
        dpar: distributional parameter.
        population: population-level columns.
        groups: varying coefficients.
        offset: (N,) float64 added to the predictor with coefficient 1; None without one.
        rebuild_offset: new complete table -> (N',) offset.
    """

    response: str
    dpar: str
    population: PopulationDesign
    groups: tuple[GroupDesign, ...]
    offset: np.ndarray | None = None
    rebuild_offset: Callable[[pd.DataFrame], np.ndarray] | None = field(
        default=None, compare=False, repr=False
    )


@dataclass(frozen=True)
class SdDesign:
    """Covariates of levels, on which the standard deviations of some varying coefficients depend.

    Attributes:
        response: cleaned name of the outcome.
        name: whose standard deviations, as written: ``"id"`` (all coefficients of the mean that vary by it)
            or ``"id__x"`` (one).
        factor: name of the grouping factor.
        coefficients: predictor, group-level term and column of each.
        matrix: (J, W) float64, uncentred, a row per level.
        names: W coefficient names.
        centered: whether columns are taken as deviations from their mean over levels.
        rebuild: new complete table and the texts of L of its levels -> (L, W) matrix.
    """

    response: str
    name: str
    factor: str
    coefficients: tuple[tuple[int, int, int], ...]
    matrix: np.ndarray
    names: tuple[str, ...]
    centered: bool
    rebuild: Callable[[pd.DataFrame, tuple[str, ...]], np.ndarray] = field(compare=False, repr=False)

    @property
    def means(self) -> np.ndarray:
        """(W,) what centring takes off the columns: means over levels, or zeros."""
        return self.matrix.mean(0) if self.centered else np.zeros(len(self.names))


@dataclass(frozen=True)
class Members:
    """The M levels that each row belongs to.

    Attributes:
        index: (N, M) int32.
        weights: (N, M) float64.
        rebuild: new complete table -> (N', M) weights.
    """

    index: np.ndarray
    weights: np.ndarray
    rebuild: Callable[[pd.DataFrame], np.ndarray] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Factor:
    """A grouping factor: J levels as text (nested ones joined by ``_``, as in brms) and (N,) int32 index.

    Rows of ``mm(a, b)`` have several levels, ``members``; their index is the first of them.
    """

    name: str
    columns: tuple[str, ...]
    levels: tuple[str, ...]
    index: np.ndarray
    members: Members | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class KnownCovariance:
    """A known covariance between levels, such as the relatedness of a pedigree.

    Attributes:
        name: what formulas call it.
        levels: L texts, all that it names, whether rows have them or not.
        matrix: (L, L), symmetric and positive definite.
    """

    name: str
    levels: tuple[str, ...]
    matrix: np.ndarray = field(compare=False, repr=False)

    def between(self, levels: tuple[str, ...]) -> np.ndarray:
        """(J, J) covariance of J of its levels, the others dropped."""
        place = pd.Index(self.levels).get_indexer(list(levels))
        return self.matrix[np.ix_(place, place)]


@dataclass(frozen=True)
class Series:
    """Residuals in series.

    Attributes:
        stationary: as of :class:`ResidualSeries`.
        previous: (N,) the row before each row in its series, -1 where it is the first.
        rebuild: new complete table -> (N',) previous rows.
    """

    stationary: bool
    previous: np.ndarray
    rebuild: Callable[[pd.DataFrame], np.ndarray] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Repeated:
    """Series whose residuals have one correlation matrix, ``cosy()`` and ``unstr()``.

    Attributes:
        dependence: which.
        times: T occasions with rows and columns of the matrix, as names have them; () where all are alike.
        index: (N,) series of each row.
        place: (N,) its occasion among the times; where all are alike, how many of its series come before.
        rebuild: new complete table -> (2, N') index and place.
    """

    dependence: Dependence
    times: tuple[str, ...]
    index: np.ndarray
    place: np.ndarray
    rebuild: Callable[[pd.DataFrame], np.ndarray] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Outcome:
    """An outcome and what was said of its rows.

    Attributes:
        name: cleaned name, ``NAstd``.
        column: name of the column, ``NA.std``.
        values: (N,) float64; codes 0 to K - 1 of an outcome with levels.
        levels: K levels of text, categories (in their order) or ``("FALSE", "TRUE")``; () of numbers.
        additions: (N,) float64 each: ``trials``; ``weights``; ``se`` with ``se_sigma`` (1 where sigma is
            estimated as well); ``cens`` (-1 left, 0 none, 1 right, 2 interval) with ``cens_upper`` (end of
            the interval; one above the outcome in other rows); ``trunc_lower``, ``trunc_upper`` (only the
            finite ones said); ``rate``.
        rebuild: new complete table, names of additions or None for all -> their (N',) values.
        series: how its residuals follow each other, None where none depends on the one before.
        repeated: which of its residuals have a correlation matrix, None where none have.
    """

    name: str
    column: str
    values: np.ndarray
    levels: tuple[str, ...] = ()
    additions: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)
    rebuild: Callable[[pd.DataFrame, tuple[str, ...] | None], dict[str, np.ndarray]] | None = field(
        default=None, compare=False, repr=False
    )
    series: Series | None = field(default=None, compare=False, repr=False)
    repeated: Repeated | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Design:
    """Everything a model needs of a table: complete rows only, in the table's order.

    Attributes:
        formula: the formula it was built from.
        outcomes: M outcomes.
        predictors: for each outcome ``mu`` first, then its other distributional parameters; last those of all
            outcomes together.
        factors: the grouping factors in order of first use.
        rows: (N,) positions in the table of the rows kept.
        n_dropped: rows left out for a missing value in a used column.
        table: the columns used in the rows kept; None for a design that was made without a table.
        sds: covariates of levels that standard deviations between groups depend on.
        known: the known covariances between levels that the formula names.
    """

    formula: ModelFormula
    outcomes: tuple[Outcome, ...]
    predictors: tuple[PredictorDesign, ...]
    factors: tuple[Factor, ...]
    rows: np.ndarray
    n_dropped: int
    table: pd.DataFrame | None = field(default=None, compare=False, repr=False)
    sds: tuple[SdDesign, ...] = ()
    known: tuple[KnownCovariance, ...] = ()

    @property
    def n_rows(self) -> int:
        """N, rows used."""
        return len(self.rows)


# --- priors ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Distribution:
    """A prior's distribution: a name of :data:`hmlm.spec.distribution.DISTRIBUTIONS` and its arguments.

    ``lb`` and ``ub`` truncate it, None for no bound; ``text`` is how it is written where that is not
    ``name(args)``.
    """

    name: str
    args: tuple[float, ...] = ()
    lb: float | None = None
    ub: float | None = None
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        if self.text:
            return self.text
        return f"{self.name}({', '.join(f'{a:g}' for a in self.args)})" if self.args else "(flat)"


@dataclass(frozen=True)
class Prior:
    """A prior as the user states it, brms's ``prior(normal(0, 1), class = b, coef = x)``.

    Empty strings mean "not said". Half distributions follow from the class's lower bound.
    """

    distribution: Distribution
    class_: str = "b"
    coef: str = ""
    group: str = ""
    resp: str = ""
    dpar: str = ""
