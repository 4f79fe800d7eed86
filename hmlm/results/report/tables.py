"""The tables of estimates: population level, variation between groups, shares of variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from hmlm.results.covariances import RESIDUAL
from hmlm.results.report.grid import Table, estimates_table
from hmlm.results.report.words import capital, predictor_title
from hmlm.spec.names import intercept_name, named_coefficients
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


R_SQUARED, ICC = "Bayesian R²", "intraclass correlation"


class Shares(NamedTuple):
    """Tables of shares of variance, and why one of them is not there."""

    tables: tuple[Table, ...]
    reasons: tuple[str, ...]

    @property
    def has_icc(self) -> bool:
        """Whether there is an intraclass correlation."""
        return any(ICC in table.caption.lower() for table in self.tables)


def population_table(fit: Fit, spec: Spec, columns: tuple[str, ...], prob: float) -> Table | None:
    """The population-level rows of the summary, by linear predictor."""
    titles: dict[str, str] = {}
    names = {row.variable: row.label for row in fit.info.rows}
    for p, predictor in enumerate(spec.predictors):
        own = [intercept_name(spec, p)] if predictor.intercept is not None else []
        shown = [name for name in (*own, *named_coefficients(spec, p)) if name in names]
        titles |= dict.fromkeys(shown, capital(predictor_title(spec, p, columns)))
    if not titles:
        return None
    frame = _by_variable(fit, prob).loc[list(titles)]
    html = estimates_table(frame, [names[variable] for variable in titles], list(titles.values()))
    return Table("Population-level coefficients", html)


def variation_tables(fit: Fit, prob: float) -> tuple[Table, ...]:
    """Standard deviations and correlations of ``fit.var_corr()``, with their convergence."""
    found, summary = fit.var_corr(prob=prob), _by_variable(fit, prob)
    sds = [_sd_variable(row.group, row.term) for row in found.sd.itertuples()]
    cors = [_cor_variable(row.group, row.term, row.term2, summary.index) for row in found.cor.itertuples()]
    residual = found.sd["term"].where(found.sd["term"] != "", "sigma")
    pairs = found.cor["term"] + ", " + found.cor["term2"]
    what = _sources(found.sd["group"])
    tables = (
        (f"Standard deviations of {what}", sds, residual, found.sd["group"]),
        (f"Correlations of {_sources(found.cor['group'])}", cors, pairs, found.cor["group"]),
    )
    return tuple(
        Table(caption, estimates_table(summary.loc[variables], list(names), list(groups)))
        for caption, variables, names, groups in tables
        if variables
    )


def further_tables(fit: Fit, prob: float) -> tuple[Table, ...]:
    """Parameters without a formula but the standard deviations of residuals, and how wiggly smooths are."""
    known = [row for row in fit.info.rows if row.variable.split("_")[0] != "sigma"]
    found = {
        "Further distributional parameters": [row for row in known if row.section in ("smooth", "family")],
        "How residuals of a series depend on each other": [row for row in known if row.section == "series"],
    }
    found = {caption: rows for caption, rows in found.items() if rows}
    summary = _by_variable(fit, prob) if found else None
    return tuple(
        Table(caption, estimates_table(summary.loc[[r.variable for r in rows]], [r.label for r in rows]))
        for caption, rows in found.items()
    )


def _by_variable(fit: Fit, prob: float) -> pd.DataFrame:
    """The summary by the names of draws."""
    return fit.summary(prob, variable=True).set_index("variable")


def _sources(groups: pd.Series) -> str:
    of_groups = ["group effects"] if (groups != RESIDUAL).any() else []
    return " and ".join([*of_groups, *(["residuals"] if (groups == RESIDUAL).any() else [])])


def _sd_variable(group: str, term: str) -> str:
    if group == RESIDUAL:
        return f"sigma_{term}" if term else "sigma"
    return f"sd_{group}__{term}"


def _cor_variable(group: str, term: str, other: str, known: pd.Index) -> str:
    start = "rescor" if group == RESIDUAL else f"cor_{group}"
    return next(name for name in (f"{start}__{term}__{other}", f"{start}__{other}__{term}") if name in known)


# --- shares of variance ---------------------------------------------------------------------------


def shares(fit: Fit, prob: float) -> Shares:
    """Bayesian R squared and intraclass correlations."""
    tables, reasons = [], []
    for name, meaning, make in (
        (R_SQUARED, "the share of an outcome’s variance that its expected values have", _r2),
        (ICC, "the share of variance that lies between levels", _icc),
    ):
        try:
            frame = make(fit, prob)
            tables.append(Table(f"{capital(name)}: {meaning}", estimates_table(frame, list(frame.index))))
        except HmlmError as error:
            reasons.append(f"No {name}: {error}.")
    return Shares(tuple(tables), tuple(reasons))


def _r2(fit: Fit, prob: float) -> pd.DataFrame:
    """R squared with the group effects, and where there are some without them."""
    parts = {"": None} if not fit.info.factors else {", all effects": None, ", population level": "NA"}
    frames = [
        fit.bayes_r2(prob=prob, re_formula=formula).rename(
            index=lambda name, more=more: _r2_name(name) + more
        )
        for more, formula in parts.items()
    ]
    return pd.concat(frames)


def _r2_name(name: str) -> str:
    outcome = name.removeprefix("R2")
    return f"R² of {outcome}" if outcome else "R²"


def _icc(fit: Fit, prob: float) -> pd.DataFrame:
    frame = fit.icc(prob=prob)
    return frame.set_axis([", ".join(k) if isinstance(k, tuple) else k for k in frame.index], axis=0)
