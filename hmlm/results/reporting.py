"""``fit.report()``: one page on a fit."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from hmlm.results.approximation import check_has_draws
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


def report(fit: Fit, path: str | PathLike[str], title: str | None = None, *, prob: float = 0.95) -> Path:
    """Write one HTML page on this fit that needs nothing beside it: to read, to send, to print.

    Formula in words and mathematics, data, priors, diagnostics with what to try next, tables, figures, how it
    was computed and how to cite it. Needs ``pip install "hmlm[report]"``.

    Args:
        path: the file, ``"m5.html"``; an older one is replaced.
        title: of the page; None makes one from the model.
        prob: probability of the intervals.

    Returns:
        The file.

    Raises:
        HmlmError: jinja2 or great_tables is not installed, the file cannot be written, or the fit was read
            from a file that does not hold its model, its draws are the prior's, or it is one point, a mode.
    """
    if fit.info.of_prior:
        raise HmlmError("a report tells of a posterior, and these draws are the prior's: report m.fit(...)")
    check_has_draws(fit.info, "a report")
    from hmlm.results.report.page import write_report  # draws, and so loads matplotlib

    return write_report(fit, path, title, prob)
