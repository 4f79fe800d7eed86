"""The page: what is known of a fit, gathered from the other files here and written by the template."""

from __future__ import annotations

import datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmlm.results.diagnosis import diagnose
from hmlm.results.plots.choose import design_of, spec_of
from hmlm.results.report.citing import methods, references
from hmlm.results.report.computing import facts, plan_table
from hmlm.results.report.data import data_tables
from hmlm.results.report.extra import needed
from hmlm.results.report.figures import SECTIONS, make_figures
from hmlm.results.report.mathematics import model_parts
from hmlm.results.report.priors import priors_table
from hmlm.results.report.tables import further_tables, population_table, shares, variation_tables
from hmlm.results.report.words import capital, count, kind, listed, notation, offset_predictors, sentence
from hmlm.results.table import check_prob
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

TEMPLATE = "page.html.jinja"
CHAPTERS = (
    ("model", "Model"),
    ("data", "Data"),
    ("priors", "Priors"),
    ("diagnostics", "Diagnostics"),
    ("estimates", "Estimates"),
    ("figures", "Figures"),
    ("computation", "How it was computed"),
    ("citation", "How to cite"),
)


def write_report(fit: Fit, path: str | PathLike[str], title: str | None = None, prob: float = 0.95) -> Path:
    """Write the page of a fit; see :meth:`Fit.report`."""
    check_prob(prob)
    target = Path(path)
    _check_target(target)
    templates = _templates()
    target.write_text(templates.get_template(TEMPLATE).render(gather(fit, title, prob)), encoding="utf-8")
    return target


def gather(fit: Fit, title: str | None, prob: float) -> dict[str, Any]:
    """Everything that the template names.

    Raises:
        HmlmError: the fit does not hold its model and data.
    """
    spec, design = _model(fit)
    columns = tuple(outcome.column for outcome in design.outcomes)
    found, today = shares(fit, prob), datetime.date.today()
    population = population_table(fit, spec, columns, prob)
    return {
        "title": title or f"{capital(kind(spec))} of {listed(columns)}",
        "chapters": CHAPTERS,
        "glance": _glance(fit),
        "diagnosis": diagnose(fit),
        "formulas": [line for outcome in fit.info.formulas for line in outcome],
        "family": f"{fit.info.family} ({' / '.join(dict.fromkeys(fit.info.links))})",
        "sentence": sentence(spec, columns, design.n_rows),
        "mathematics": model_parts(spec, columns, offset_predictors(design)),
        "notation": notation(spec, design),
        "rows": _rows(fit),
        "data_tables": data_tables(design),
        "priors": priors_table(spec, design),
        "estimates": [
            *([population] if population else []),
            *variation_tables(fit, prob),
            *further_tables(fit, prob),
            *found.tables,
        ],
        "left_out": found.reasons,
        "figures": make_figures(fit, spec, columns, prob),
        "figure_sections": SECTIONS,
        "plan": plan_table(fit, spec),
        "facts": facts(fit, spec),
        "methods": methods(fit, spec, columns),
        "references": references(fit, spec, found.has_icc),
        "percent": f"{100 * prob:g}%",
        "date": f"{today.day} {today:%B %Y}",
        "version": dict(fit.info.versions).get("hmlm", ""),
    }


def _model(fit: Fit):
    try:
        return spec_of(fit), design_of(fit)
    except HmlmError as error:
        raise HmlmError(
            "a report needs the model and its data, which the file of this fit does not hold: fit it "
            "anew and save it with this version of hmlm"
        ) from error


def _glance(fit: Fit) -> list[tuple[str, str]]:
    """The few numbers at the top."""
    info = fit.info
    levels = [(f"levels of {name}", count(n)) for name, n in info.factors]
    return [("rows", count(info.n_rows)), *levels, ("draws", count(fit.n_draws))]


def _rows(fit: Fit) -> str:
    info = fit.info
    dropped = "no row was left out"
    if info.n_dropped == 1:
        dropped = "1 row with a missing value in these columns was left out"
    if info.n_dropped > 1:
        dropped = f"{count(info.n_dropped)} rows with missing values in these columns were left out"
    return f"The table “{info.data_name}” gave {count(info.n_rows)} rows; {dropped}."


def _check_target(path: Path) -> None:
    """Before figures are drawn, since a page that cannot be written is lost."""
    if path.is_dir():
        raise HmlmError(f"{path} is a folder; name a file, such as {path / 'report.html'}")
    if not path.parent.is_dir():
        raise HmlmError(f"there is no folder {path.parent}; make it, or name another place")


def _templates():
    """The templates of this folder; everything that is not marked as safe in them is escaped."""
    needed("great_tables")
    jinja2 = needed("jinja2")
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
