"""Priors that shrink many coefficients together: the regularised horseshoe and R2D2, as brms has them.

References:
    Piironen & Vehtari (2017), doi:10.1214/17-EJS1337SI
    Zhang, Naughton, Bondell & Reich (2022), doi:10.1080/01621459.2020.1825449
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hmlm.spec.hint import did_you_mean, listed, point_at
from hmlm.spec.number import evaluate_number
from hmlm.spec.rcall import Argument, Call, parse_call
from hmlm.spec.support import Support
from hmlm.types import Distribution, PriorError

SHRINKAGE = "shrinkage"
HORSESHOE, R2D2 = "horseshoe", "R2D2"
# Arguments and their defaults, in brms's order.
ARGUMENTS: dict[str, dict[str, float | None]] = {
    HORSESHOE: {
        "df": 1.0,
        "scale_global": 1.0,
        "df_global": 1.0,
        "scale_slab": 2.0,
        "df_slab": 4.0,
        "par_ratio": None,
        "autoscale": 1.0,
    },
    R2D2: {"mean_R2": 0.5, "prec_R2": 2.0, "cons_D2": 0.5, "autoscale": 1.0},
}
LOGICAL = {"TRUE": 1.0, "T": 1.0, "FALSE": 0.0, "F": 0.0, "True": 1.0, "False": 0.0}
NOTHING = ("NULL", "None")


@dataclass(frozen=True)
class Shrinkage:
    """A shrinkage prior of some coefficients of a predictor.

    With z standard normal, ``b_k = z_k s_k``. Horseshoe: ``s_k = tau l_k``, ``l_k^2 = c^2 lambda_k^2 / (c^2 +
    tau^2 lambda_k^2)``, ``tau`` (``hs_global``) half ``student_t(df_global, 0, scale_global sigma)``,
    ``lambda_k`` (``hs_local``) half ``student_t(df, 0, 1)``, ``c^2 = scale_slab^2 hs_slab``, ``hs_slab``
    ``inv_gamma(df_slab / 2, df_slab / 2)``. R2D2: ``s_k^2 = sigma^2 phi_k R2 / (1 - R2)``, ``R2D2_R2``
    ``beta(mean_R2 prec_R2, (1 - mean_R2) prec_R2)``, ``R2D2_phi`` ``dirichlet(cons_D2)``.

    Attributes:
        kind: ``"horseshoe"`` or ``"R2D2"``.
        columns: positions of the n coefficients among the K of the predictor.
        args: of the horseshoe (df, scale_global, df_global, scale_slab, df_slab), of R2D2 the beta's two and
            the n of the Dirichlet distribution.
        by_sigma: whether sigma of the predictor's outcome multiplies the scales, else one stands for it.
    """

    kind: str
    columns: tuple[int, ...]
    args: tuple[float, ...]
    by_sigma: bool

    @property
    def size(self) -> int:
        """n, coefficients that it shrinks."""
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of draws of what it is made of, without the predictor's prefix and index of coefficients."""
        if self.kind == HORSESHOE:
            return ("hs_global", "hs_slab", "hs_local")
        return ("R2D2_R2", "R2D2_phi")

    @property
    def coordinates(self) -> tuple[tuple[Distribution, Support], ...]:
        """Prior and support of every coordinate but z: tau without sigma; of phi n - 1 log ratios."""
        if self.kind == R2D2:
            r2 = Distribution("beta", self.args[:2])
            return ((r2, Support.UNIT), *[(Distribution("flat"), Support.REAL)] * (self.size - 1))
        df, scale_global, df_global, _, df_slab = self.args
        tau = Distribution("student_t", (df_global, 0.0, scale_global))
        slab = Distribution("inv_gamma", (df_slab / 2, df_slab / 2))
        local = Distribution("student_t", (df, 0.0, 1.0))
        return tuple((prior, Support.POSITIVE) for prior in (tau, slab, *[local] * self.size))


def is_shrinkage(distribution: Distribution) -> bool:
    """Whether it is one of those that many coefficients share."""
    return distribution.name in ARGUMENTS


def parse_shrinkage(text: str, call: Call) -> Distribution:
    """``horseshoe(par_ratio = 0.1)`` with all its arguments, by position or name as in brms.

    The args of the horseshoe are those of :data:`ARGUMENTS`, a par_ratio of 0 for none; those of R2D2 have
    the numbers of ``cons_D2`` last.

    Raises:
        PriorError: an unknown or repeated argument, or a value that it cannot have.
    """
    given = _by_name(text, call)
    stated = {name: _numbers(text, name, argument) for name, argument in given.items()}
    for name, values in stated.items():
        _check(text, call, given[name], name, values)
    default = {name: (0.0 if value is None else value,) for name, value in ARGUMENTS[call.name].items()}
    values = default | stated
    order = sorted(values, key=lambda name: name == "cons_D2")
    written = ", ".join(f"{name} = {argument.value}" for name, argument in given.items())
    args = tuple(value for name in order for value in values[name])
    return Distribution(call.name, args, text=f"{call.name}({written})")


def make_shrinkage(
    prior: Distribution, names: Mapping[int, str], n_rows: int, *, has_sigma: bool
) -> Shrinkage:
    """The prior of the coefficients at positions ``names`` has, in a model of ``n_rows``.

    Raises:
        PriorError: an intercept among them, or as many numbers for ``cons_D2`` as there are not coefficients.
    """
    if "Intercept" in names.values():
        check_alone(prior, "Intercept")
    columns = tuple(names)
    if prior.name == HORSESHOE:
        *args, ratio, autoscale = prior.args
        args[1] = ratio / n_rows**0.5 if ratio else args[1]
        return Shrinkage(HORSESHOE, columns, tuple(args), bool(autoscale) and has_sigma)
    mean, precision, autoscale, *cons = prior.args
    if len(cons) not in (1, len(columns)):
        raise PriorError(f"{prior}: cons_D2 has {len(cons)} numbers for {len(columns)} coefficients")
    shapes = tuple(cons) if len(cons) > 1 else tuple(cons) * len(columns)
    beta = (mean * precision, (1 - mean) * precision)
    return Shrinkage(R2D2, columns, (*beta, *shapes), bool(autoscale) and has_sigma)


def check_alone(prior: Distribution, coef: str) -> Distribution:
    """The prior of a coefficient that is not shrunk with others.

    Raises:
        PriorError: it is one that coefficients share.
    """
    if is_shrinkage(prior):
        raise PriorError(
            f"{prior} reaches {coef!r}, a coefficient that it is not made for; give that a prior of its own, "
            f'for example prior("normal(0, 5)", coef="{coef}")'
        )
    return prior


def _by_name(text: str, call: Call) -> dict[str, Argument]:
    known, found = tuple(ARGUMENTS[call.name]), {}
    for position, argument in enumerate(call.arguments):
        if not argument.name and position >= len(known):
            raise point_at(text, argument.start, f"{call.name} takes at most {len(known)} arguments")
        name = argument.name or known[position]
        if name not in known:
            hint = did_you_mean(name, known)
            message = f"{call.name} has no argument {name!r}{hint} (it has {listed(known)})"
            raise point_at(text, argument.start, message)
        if name in found:
            raise point_at(text, argument.start, f"argument {name!r} is given twice")
        found[name] = argument
    return found


def _numbers(text: str, name: str, argument: Argument) -> tuple[float, ...]:
    if name == "autoscale":
        if argument.value not in LOGICAL:
            raise point_at(text, argument.start, f"autoscale must be TRUE or FALSE, got {argument.value}")
        return (LOGICAL[argument.value],)
    if name == "par_ratio" and argument.value in NOTHING:
        return (0.0,)
    try:
        if name == "cons_D2" and argument.value.startswith("c("):
            inner = parse_call(text, argument.start, argument.start + len(argument.value))
            return tuple(evaluate_number(one.value) for one in inner.arguments)
        return (evaluate_number(argument.value),)
    except ValueError as error:
        raise point_at(text, argument.start, f"{name}: {error}") from error


def _check(text: str, call: Call, argument: Argument, name: str, values: tuple[float, ...]) -> None:
    """Raise PriorError for a value that an argument cannot have."""
    if name == "mean_R2" and not 0 < values[0] < 1:
        wrong = "between 0 and 1"
    elif name not in ("autoscale", "mean_R2") and argument.value not in NOTHING and min(values) <= 0:
        wrong = "above 0"
    else:
        return
    raise point_at(text, argument.start, f"{name} of {call.name} must be {wrong}, got {argument.value}")
