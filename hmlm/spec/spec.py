"""The model as pure, hashable data: what the density, the NumPyro program and the names are made from.

A spec holds no array. Order matters: predictors are ordered outcome by outcome with ``mu`` first, and
the coefficients of a block ``[scale; location]``: every predictor that is not a mean comes first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hmlm.spec.family import Family
from hmlm.spec.shrinkage import Shrinkage
from hmlm.spec.support import Support
from hmlm.types import Dependence, Distribution, Structure

JOINT = -1  # in place of an outcome: all of them together
RESCOR_DPAR, RESCOR_LINK = "rescor", "atanh"  # the residual correlation where it has a formula
AR, COSY = "ar", "cosy"  # classes of priors of residuals' dependence, and their places among the constants
OF_SERIES = {AR: Support.CORRELATION, COSY: Support.UNIT}


@dataclass(frozen=True)
class Monotonic:
    """A monotonic effect, ``b D sum(zeta[1..x])``.

    Attributes:
        name: of its coefficient, ``"mox"``.
        prior: of b.
        simplex: the D arguments of zeta's Dirichlet prior.
    """

    name: str
    prior: Distribution
    simplex: tuple[float, ...]

    @property
    def size(self) -> int:
        """D, number of steps."""
        return len(self.simplex)


@dataclass(frozen=True)
class Smooth:
    """The wiggly part of a smooth function, ``s_k ~ N(0, sds^2)``.

    Attributes:
        name: ``"sx_1"``.
        line: the coefficient of its straight part, among those of the predictor.
        size: number of wiggly columns.
        prior: of sds.
    """

    name: str
    line: str
    size: int
    prior: Distribution


@dataclass(frozen=True)
class Predictor:
    """A linear predictor.

    Attributes:
        response: index of its outcome, ``JOINT`` for a parameter of all of them.
        dpar: distributional parameter, ``"mu"``, ``"sigma"``, …, ``"rescor"``.
        intercept: prior of the intercept (of the centred one if ``centered``), None without one.
        names: K coefficient names apart from that intercept.
        priors: K priors.
        centered: whether the K columns are centred for sampling.
        prefix: what brms puts before its coefficients' names: ``""``, ``"sigma"``, ``"NAstd"``,
            ``"sigma_NAstd"``.
        monotonic: monotonic effects, whose columns follow the K.
        smooths: smooth functions; their straight parts are the last of the K, their wiggly columns come last.
        shrinkage: of the coefficients whose prior is one that they share, None without any.
    """

    response: int
    dpar: str
    intercept: Distribution | None
    names: tuple[str, ...]
    priors: tuple[Distribution, ...]
    centered: bool
    prefix: str
    monotonic: tuple[Monotonic, ...] = ()
    smooths: tuple[Smooth, ...] = ()
    shrinkage: Shrinkage | None = None

    @property
    def n_columns(self) -> int:
        """K, the steps of monotonic effects and the wiggly columns of smooth functions."""
        return self.n_linear + sum(smooth.size for smooth in self.smooths)

    @property
    def n_linear(self) -> int:
        """The columns before the wiggly ones."""
        return len(self.names) + sum(effect.size for effect in self.monotonic)

    @property
    def n_centered(self) -> int:
        """The columns that are centred: as in brms not the straight parts of smooth functions."""
        return (len(self.names) - len(self.smooths)) * self.centered


@dataclass(frozen=True)
class Constant:
    """A distributional parameter that is one number for all rows.

    Attributes:
        response: index of its outcome.
        dpar: which, ``"sigma"``.
        prior: of it.
        support: where it may lie.
    """

    response: int
    dpar: str
    prior: Distribution
    support: Support


@dataclass(frozen=True)
class BlockTerm:
    """One varying coefficient of a block: column ``column`` of group term ``group`` of a predictor.

    Its ``name`` ends in the level of a by-variable, ``"x:sexmale"``, and ``by`` is that, ``"sexmale"``.
    """

    predictor: int
    group: int
    column: int
    name: str
    by: str = ""

    @property
    def coefficient(self) -> str:
        """The name that its effects have, ``"x"``."""
        return self.name.removesuffix(f":{self.by}")


@dataclass(frozen=True)
class Known:
    """A known covariance between the levels of a block: ``cov(u_j, u_k) = A_jk diag(tau) R diag(tau)``.

    Attributes:
        name: of the matrix A, whose entries the design holds.
        rotates: whether one rotation of levels makes the cross-products of all the block's columns diagonal,
            as it does where these are multiples of each other, level by level.
    """

    name: str
    rotates: bool


@dataclass(frozen=True)
class Block:
    """All coefficients of one factor that share a covariance matrix: ``u_j ~ N(0, diag(tau) R diag(tau))``.

    Attributes:
        factor: index of the grouping factor.
        terms: Q coefficients in the order [scale; location] of the Cholesky factor.
        sd: Q priors of the standard deviations.
        cor: shape of the LKJ prior of R; None where R is the identity (``||``, or Q = 1) or has a structure.
        order: the Q positions in ``terms`` in brms's order (location first, outcome by outcome).
        name: unique name of the block, used in sites: ``"id"``, ``"id_2"``.
        members: the levels that it describes, those of one level of a by-variable; None for all.
        known: of ``gr(id, cov = A)``; None where levels are independent.
        structure: of ``cs(…)``, ``ar1(…)`` and so on: R is made of a rho, uniform where R is definite.
    """

    factor: int
    terms: tuple[BlockTerm, ...]
    sd: tuple[Distribution, ...]
    cor: float | None
    order: tuple[int, ...]
    name: str
    members: tuple[int, ...] | None = None
    known: Known | None = None
    structure: Structure | None = None

    @property
    def size(self) -> int:
        """Q, coefficients per level."""
        return len(self.terms)

    @property
    def correlated(self) -> bool:
        """Whether R is estimated."""
        return self.cor is not None or self.structure is not None

    @property
    def n_sd(self) -> int:
        """Standard deviations that are parameters: one where the structure has one for all terms."""
        return 1 if self.structure is not None and self.structure.homogeneous else self.size

    @property
    def lowest_rho(self) -> float:
        """Of a structure: R is positive definite for rho between this and 1."""
        return -1.0 if self.structure is None or self.structure.in_turn else -1.0 / (self.size - 1)


@dataclass(frozen=True)
class SdPredictor:
    """Log-linear predictor of the standard deviations of some varying coefficients in each level of a factor.

    ``log tau_jq = log tau_q + w_j'gamma``

    Attributes:
        factor: index of the grouping factor.
        terms: (block, position) of every coefficient whose standard deviations it speaks of.
        names: W names of covariates of levels.
        priors: W priors of gamma.
        prefix: before the names in draws: ``"sd_id"``, ``"sd_id_NAstd"``.
        centered: whether w are deviations from the mean of the levels.
    """

    factor: int
    terms: tuple[tuple[int, int], ...]
    names: tuple[str, ...]
    priors: tuple[Distribution, ...]
    prefix: str
    centered: bool


@dataclass(frozen=True)
class FactorSpec:
    """A grouping factor.

    Attributes:
        name: as draws' names have it.
        levels: J levels as text.
        within: indices of the factors it is nested in: each of its levels lies in one level of theirs.
        multiple: whether rows belong to several of its levels, ``mm(a, b)``.
    """

    name: str
    levels: tuple[str, ...]
    within: tuple[int, ...] = ()
    multiple: bool = False

    @property
    def n_levels(self) -> int:
        """J, the number of levels."""
        return len(self.levels)


@dataclass(frozen=True)
class Autocor:
    """Residuals that depend on others of their series (brms's ``ar``, ``cosy`` and ``unstr``).

    Attributes:
        dependence: how.
        within: indices of the factors of which every series lies in one level.
        stationary: of ``ar``, whether the first of a series has the variance of all in the long run.
        times: of ``unstr``, the T occasions.
        cor: of ``unstr``, shape of the LKJ prior of the correlations between them.
    """

    dependence: Dependence
    within: tuple[int, ...]
    stationary: bool = False
    times: tuple[str, ...] = ()
    cor: float | None = None

    @property
    def term(self) -> str:
        """As messages call it, ``"cosy()"``."""
        return f"{self.dependence.value}()"


@dataclass(frozen=True)
class Spec:
    """The whole model.

    Attributes:
        family: the response distribution of every outcome.
        outcomes: M cleaned names; one outcome's name appears in no parameter.
        predictors: every linear predictor.
        constants: distributional parameters without a formula, outcome by outcome.
        factors: grouping factors.
        blocks: blocks of varying coefficients.
        rescor: shape of the LKJ prior of the residual correlation; None without one or with a formula for it.
        n_rows: N.
        additions: per outcome the addition terms that change its density, ``("trials", "weights")``.
        sds: predictors of standard deviations between levels.
        autocor: how residuals depend on each other, None where they are independent; the coefficient is the
            constant ``ar`` or ``cosy``.
    """

    family: Family
    outcomes: tuple[str, ...]
    predictors: tuple[Predictor, ...]
    constants: tuple[Constant, ...]
    factors: tuple[FactorSpec, ...]
    blocks: tuple[Block, ...]
    rescor: float | None
    n_rows: int
    additions: tuple[tuple[str, ...], ...] = ()
    sds: tuple[SdPredictor, ...] = ()
    autocor: Autocor | None = None

    @property
    def multivariate(self) -> bool:
        """Whether names carry the outcome."""
        return len(self.outcomes) > 1

    @property
    def rescor_predictor(self) -> int | None:
        """Index of the predictor of the residual correlation, None where it has no formula."""
        found = [p for p, own in enumerate(self.predictors) if own.dpar == RESCOR_DPAR]
        return found[0] if found else None

    def link(self, p: int) -> str:
        """Name of the link of the parameter of predictor ``p``."""
        predictor = self.predictors[p]
        return RESCOR_LINK if predictor.response == JOINT else self.family.link(predictor.dpar)

    @property
    def correlated(self) -> bool:
        """Whether the residuals of outcomes correlate."""
        return self.rescor is not None or self.rescor_predictor is not None

    @property
    def normal(self) -> bool:
        """Whether every outcome is normal around a mean that is linear in the effects."""
        linear = self.family.normal and self.family.links == ("identity", "log")
        return linear and not any(self.additions)

    @property
    def multiple(self) -> bool:
        """Whether rows belong to several levels of some factor."""
        return any(factor.multiple for factor in self.factors)

    @property
    def scalars(self) -> tuple[Constant, ...]:
        """The constants apart from thresholds: the first of ``constants``."""
        return tuple(c for c in self.constants if c.support is not Support.ORDERED)

    @property
    def thresholds(self) -> tuple[Constant, ...]:
        """The constants that are ordered: one vector, the last of ``constants``."""
        return tuple(c for c in self.constants if c.support is Support.ORDERED)

    @property
    def in_turn(self) -> bool:
        """Whether residuals depend on the one before in their series, ``ar()``."""
        return self.autocor is not None and not self.autocor.dependence.matrix

    @property
    def repeated(self) -> bool:
        """Whether the residuals of a series have a correlation matrix, ``cosy()`` or ``unstr()``."""
        return self.autocor is not None and self.autocor.dependence.matrix

    @property
    def cortime(self) -> float | None:
        """Shape of the LKJ prior of correlations between occasions, None where none are free."""
        return None if self.autocor is None else self.autocor.cor

    @property
    def times(self) -> tuple[str, ...]:
        """Occasions whose residuals have free correlations."""
        return () if self.autocor is None else self.autocor.times

    @property
    def sigma(self) -> tuple[Distribution | None, ...]:
        """Per outcome the prior of a constant sigma, None where it has a formula or the family lacks it."""
        constant = {c.response: c.prior for c in self.constants if c.dpar == "sigma"}
        return tuple(constant.get(m) for m in range(len(self.outcomes)))


def without_levels(spec: Spec) -> Spec:
    """The spec with nameless levels and no number of rows, which the data say.

    Programs depend on how many levels there are, not on what they are called.
    """
    factors = tuple(replace(factor, levels=("",) * factor.n_levels) for factor in spec.factors)
    blocks = tuple(replace(block, members=None) for block in spec.blocks)
    return replace(spec, factors=factors, blocks=blocks, n_rows=0)
