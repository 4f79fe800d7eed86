"""The named models of the multilevel textbook, from plain arrays.

Each returns a :class:`hmlm.Model` whose ``numpyro_model`` is a plain NumPyro program. Columns are named
by the table they come from, else ``X1, X2, ...``; a column of ones is the intercept. Priors act on the
uncentred intercept (``center=False``) and default to those of Storopoli's tutorial, for each outcome y:

    alpha ~ normal(mean(y), 2.5 sd(y)),  beta ~ normal(0, 2),  sigma ~ exponential(1 / sd(y)),
    tau ~ half cauchy(0, 2),  R ~ lkj(2)

References:
    Storopoli (2021), Bayesian Statistics using Julia and Turing, chapter "Multilevel Models".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from hmlm.api import Model, Priors
from hmlm.formula.bf import bf, set_rescor
from hmlm.formula.design import build_design
from hmlm.formula.table import check_same_index
from hmlm.spec.build import build_spec
from hmlm.spec.families import GAUSSIAN
from hmlm.spec.prior import as_priors, prior
from hmlm.spec.table import prior_table
from hmlm.types import DataError, Design, ModelFormula, Prior

Matrix = np.ndarray | pd.DataFrame | pd.Series | Mapping
Vector = np.ndarray | pd.Series | Sequence
Columns = dict[str, np.ndarray]


def varying_intercept(X: Matrix, idx: Vector, y: Vector, *, prior: Priors = None) -> Model:
    """``y ~ normal(alpha + alpha_j + X beta, sigma)``, ``alpha_j ~ normal(0, tau)``.

    Args:
        X: (N, K) predictors, without a column of ones.
        idx: (N,) group of each row.
        y: (N,) outcome.
        prior: replaces the default priors.
    """
    check_same_index({"X": X, "idx": idx, "y": y})
    x = _columns(X, "X")
    return _one_outcome(y, idx, x, "1" + _plus(x), "1", "|", prior)


def varying_slope(X: Matrix, idx: Vector, y: Vector, *, prior: Priors = None) -> Model:
    """``y ~ normal(alpha + X beta_j, sigma)``, ``beta_jk ~ normal(0, tau_k)``.

    The varying coefficients take the place of population-level ones. Arguments as
    :func:`varying_intercept`.
    """
    check_same_index({"X": X, "idx": idx, "y": y})
    x = _columns(X, "X")
    return _one_outcome(y, idx, x, "1", "0" + _plus(x), "||", prior)


def varying_intercept_slope(X: Matrix, idx: Vector, y: Vector, *, prior: Priors = None) -> Model:
    """``y ~ normal(alpha + alpha_j + X beta_j, sigma)``, independent normal effects around zero.

    Arguments as :func:`varying_intercept`.
    """
    check_same_index({"X": X, "idx": idx, "y": y})
    x = _columns(X, "X")
    return _one_outcome(y, idx, x, "1", "1" + _plus(x), "||", prior)


def correlated_varying_intercept_slope(X: Matrix, idx: Vector, y: Vector, *, prior: Priors = None) -> Model:
    """``y ~ normal(X (beta + beta_j), sigma)``, ``beta_j ~ N(0, diag(tau) R diag(tau))``.

    Args:
        X: (N, K) predictors; a column of ones makes an intercept, which varies like the others.
        idx: (N,) group of each row.
        y: (N,) outcome.
        prior: replaces the default priors.
    """
    check_same_index({"X": X, "idx": idx, "y": y})
    x = _columns(X, "X")
    return _one_outcome(y, idx, x, _right(x), _right(x), "|", prior)


def multivariate(X: Matrix, Z: Matrix, idx: Vector, Y: Matrix, *, prior: Priors = None) -> Model:
    """M outcomes ``Y_m = X beta_m + Z u_mj + e_m``; one correlation matrix for the effects of all outcomes,
    another for the residuals.

    Args:
        X: (N, K) population-level columns.
        Z: (N, Q) varying columns.
        idx: (N,) group of each row.
        Y: (N, M) outcomes, M > 1.
        prior: replaces the default priors.
    """
    check_same_index({"X": X, "Z": Z, "idx": idx, "Y": Y})
    x, z, outcomes = _columns(X, "X"), _columns(Z, "Z"), _columns(Y, "Y", "y")
    if len(outcomes) < 2:
        raise DataError(
            f"Y has {len(outcomes)} column; multivariate needs two or more outcomes. For one outcome take "
            "correlated_varying_intercept_slope"
        )
    right = f"{_right(x)} + ({_varying(z, 'Z')} | c | {_name(idx, 'idx')})"
    formula = ModelFormula(tuple(bf(f"{name} ~ {right}", center=False) for name in outcomes))
    return _model(formula + set_rescor(True), _table(outcomes, idx, x, z), prior)


def melsm(
    X: Matrix, Z: Matrix, W: Matrix, V: Matrix, idx: Vector, y: Vector, *, prior: Priors = None
) -> Model:
    """Mixed-effects location scale model: ``mu = X beta + Z u_j``, ``log sigma = W eta + V t_j``, with one
    correlation matrix for ``(u_j, t_j)``.

    Args:
        X, Z: (N, .) population-level and varying columns of the mean.
        W, V: (N, .) population-level and varying columns of log sigma.
        idx: (N,) group of each row.
        y: (N,) outcome.
        prior: replaces the default priors.

    References:
        Hedeker, Mermelstein & Demirtas (2008), doi:10.1111/j.1541-0420.2007.00924.x
    """
    check_same_index({"X": X, "Z": Z, "W": W, "V": V, "idx": idx, "y": y})
    x, z, w, v = (_columns(part, name) for part, name in ((X, "X"), (Z, "Z"), (W, "W"), (V, "V")))
    group, outcome = _name(idx, "idx"), _name(y, "y")
    formula = bf(
        f"{outcome} ~ {_right(x)} + ({_varying(z, 'Z')} | c | {group})",
        sigma=f"~ {_right(w)} + ({_varying(v, 'V')} | c | {group})",
        center=False,
    )
    return _model(ModelFormula((formula,)), _table({outcome: _vector(y, "y")}, idx, x, z, w, v), prior)


def _one_outcome(
    y: Vector, idx: Vector, x: Columns, population: str, varying: str, bar: str, prior: Priors
) -> Model:
    outcome, group = _name(y, "y"), _name(idx, "idx")
    formula = bf(f"{outcome} ~ {population} + ({varying} {bar} {group})", center=False)
    return _model(ModelFormula((formula,)), _table({outcome: _vector(y, "y")}, idx, x), prior)


def _model(formula: ModelFormula, table: pd.DataFrame, priors: Priors) -> Model:
    design = build_design(formula, table)
    stated = _default_priors(design) if priors is None else as_priors(priors)
    return Model(build_spec(design, GAUSSIAN, stated), design, priors=stated)


# --- default priors -------------------------------------------------------------------------------


def _default_priors(design: Design) -> tuple[Prior, ...]:
    """The tutorial's priors for whatever the model has."""
    rows = prior_table(design, GAUSSIAN).to_dict("records")
    return tuple(stated for row in rows if (stated := _default_prior(row, design)) is not None)


def _default_prior(row: Mapping[str, str], design: Design) -> Prior | None:
    if row["group"] or (len(design.outcomes) > 1 and not row["resp"] and row["class"] != "cor"):
        return None
    text = _default_text(row, _outcome(row["resp"], design))
    return text and prior(text, row["class"], coef=row["coef"], resp=row["resp"], dpar=row["dpar"])


def _default_text(row: Mapping[str, str], y: np.ndarray) -> str | None:
    match row["class"], row["dpar"], row["coef"]:
        case "b", "", "Intercept":
            return f"normal({y.mean():.17g}, {2.5 * y.std(ddof=1):.17g})"
        case "b", "sigma", "Intercept":
            return f"normal({np.log(y.std(ddof=1)):.17g}, 1)"
        case "b", _, coef:
            return "normal(0, 2)" if coef else None
        case "sd", "", "":
            return "cauchy(0, 2)"
        case "sd", "sigma", "":
            return "exponential(1)"
        case "sigma", _, _:
            return f"exponential({1 / y.std(ddof=1):.17g})"
        case "cor", _, _:
            return "lkj(2)"
    return None


def _outcome(resp: str, design: Design) -> np.ndarray:
    """Values of the outcome called ``resp``, of complete rows; the first one's if it has no name."""
    return next((o.values for o in design.outcomes if o.name == resp), design.outcomes[0].values)


# --- arrays to a table and formula text -----------------------------------------------------------


def _columns(matrix: Matrix, argument: str, prefix: str = "") -> Columns:
    """Columns by name, as formulas can spell it; ``X1, X2, ...`` where they have none."""
    if isinstance(matrix, pd.Series):
        matrix = matrix.to_frame(name=matrix.name or f"{prefix or argument}1")
    if isinstance(matrix, pd.DataFrame | Mapping):
        return _distinct([(_spelled(name), np.asarray(matrix[name])) for name in matrix], argument)
    array = np.asarray(matrix)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise DataError(f"{argument} has the shape {array.shape}; it is a matrix, a row per observation")
    return {f"{prefix or argument}{k + 1}": array[:, k] for k in range(array.shape[1])}


def _distinct(columns: Sequence[tuple[str, np.ndarray]], argument: str) -> Columns:
    counts = Counter(name for name, _ in columns)
    for name, values in columns:
        if counts[name] > 1 or values.ndim != 1:
            raise DataError(
                f"{argument}: several columns are called '{name}', or it is no column; rename them"
            )
    return dict(columns)


def _vector(vector: Vector, argument: str) -> np.ndarray:
    """(N,) values; a matrix of one column will do."""
    array = np.asarray(vector)
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim != 1:
        raise DataError(f"{argument} has the shape {array.shape}; it holds one value per row")
    return array


def _name(vector: Vector, otherwise: str) -> str:
    if isinstance(vector, pd.DataFrame) and vector.shape[1] == 1:
        return _spelled(vector.columns[0])
    name = getattr(vector, "name", None)
    return otherwise if name is None else _spelled(name)


def _spelled(name: object) -> str:
    """The name with whatever a formula could not spell replaced by dots, as R's ``make.names`` does."""
    text = re.sub(r"[^\w.]", ".", str(name))
    return text if re.match(r"[^\W\d_]", text) else f"X{text}"


def _table(outcomes: Columns, idx: Vector, *parts: Columns) -> pd.DataFrame:
    columns = {**outcomes}
    for part in ({_name(idx, "idx"): _vector(idx, "idx")}, *parts):
        for name, values in part.items():
            if name in columns and not _same(columns[name], values):
                raise DataError(f"two different columns are called '{name}': rename one")
            columns[name] = values
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns differ in length: {', '.join(f'{k} {n}' for k, n in lengths.items())}")
    return pd.DataFrame(columns)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two columns are equal, missing values included."""
    return pd.Series(one).equals(pd.Series(other))


def _varying(columns: Columns, argument: str) -> str:
    if not columns:
        raise DataError(f"{argument} has no column; a column of ones is a varying intercept")
    return _right(columns)


def _right(columns: Columns) -> str:
    """Right-hand side with these columns; one of ones becomes the intercept."""
    ones = [name for name, values in columns.items() if np.all(values == 1)]
    return ("1" if ones else "0") + _plus(name for name in columns if name not in ones)


def _plus(names: Iterable[str]) -> str:
    return "".join(f" + {name}" for name in names)
