"""What ``print(fit)`` shows: brms's layout, line by line."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence

import pandas as pd

from hmlm.results.approximation import closing as closing_of_approximation
from hmlm.results.info import DRAWING, FitInfo, Row
from hmlm.results.ml_info import MlInfo
from hmlm.results.table import ESS_COLUMNS, seconds_of

WIDTH = 110
MOST_DECIMALS = 6  # beyond these, and from LARGEST on, numbers are printed as 1.23e-09
LARGEST = 1e8
SECTIONS = (
    ("series", "Correlation Structures:"),
    ("smooth", "Smoothing Spline Hyperparameters:"),
    ("population", "Regression Coefficients:"),
    ("simplex", "Monotonic Simplex Parameters:"),
    ("family", "Further Distributional Parameters:"),
    ("residual", "Residual Correlations:"),
)
CLOSING = """\
Draws were sampled using {algorithm}. For each parameter, Bulk_ESS
and Tail_ESS are effective sample size measures, and Rhat is the potential
scale reduction factor on {of} (at convergence, Rhat = 1)."""
OF_SPLIT, OF_NESTED = "split chains", "{n} superchains of chains with one start each"

CLOSING_OF_PRIOR = """\
These are independent draws from the prior: the data did not enter. Priors:
m.explain() or hm.get_prior(...)."""


def printout(info: FitInfo, frame: pd.DataFrame, problems: Sequence[str]) -> str:
    """The whole text.

    Args:
        info: the facts beside the table.
        frame: the summary, one row per ``info.rows``, in that order.
        problems: convergence warnings.
    """
    parts = [_header(info), *sections(info, frame), _closing(info)]
    if problems:
        parts.append("\n".join(_warning(problem) for problem in problems))
    return "\n\n".join(parts)


def _closing(info: FitInfo) -> str:
    if info.approximate:
        return closing_of_approximation(info)
    if info.of_prior:
        return CLOSING_OF_PRIOR
    of = OF_NESTED.format(n=info.superchains) if info.superchains else OF_SPLIT
    return CLOSING.format(algorithm=info.algorithm, of=of)


def _warning(problem: str) -> str:
    return textwrap.fill(f"Warning: {problem}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)


# --- header ---------------------------------------------------------------------------------------


def _header(info: FitInfo) -> str:
    fields = (
        ("Family", [info.family]),
        ("Links", info.links),
        ("Formula", [line for outcome in info.formulas for line in outcome]),
        ("Data", [_data(info)]),
        ("Draws", _draws(info)),
        ("Time", _time(info)),
        ("Effects", _effects(info)),
    )
    return header(fields)


def header(fields: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Names and their lines, right-justified at the colon; names without lines are left out."""
    return "\n".join(f"{name:>7}: " + f"\n{'':9}".join(lines) for name, lines in fields if lines)


def _data(info: FitInfo) -> str:
    dropped = f"; {info.n_dropped} rows with missing values left out" if info.n_dropped else ""
    return f"{info.data_name} (Number of observations: {info.n_rows}{dropped})"


def _draws(info: FitInfo) -> list[str]:
    if info.approximate:
        return [f"{info.algorithm}, " + ("one point" if info.of_mode else f"{info.draws} independent draws")]
    chains = "1 chain" if info.chains == 1 else f"{info.chains} chains, each"
    n_iterations = info.warmup + info.draws * info.thin
    iterations = f"iter = {n_iterations}; warmup = {info.warmup}; thin = {info.thin};"
    early = " (interrupted)" if info.interrupted else ""
    total = f"total post-warmup draws = {info.chains * info.draws}{early}"
    return [f"{chains} with {iterations}", total]


def _time(info: FitInfo) -> list[str]:
    if not info.seconds:
        return []
    total = f"{seconds_of(info):.1f} s"
    if len(info.seconds) == 1:
        return [total]
    before = _phases((name, seconds) for name, seconds in info.seconds if name not in DRAWING)
    drawing = _phases((name, seconds) for name, seconds in info.seconds if name in DRAWING)
    if len(before) < 2 or not drawing:
        return [f"{total} ({', '.join([*before, *drawing])})"]
    first = f"first draw after {info.first_draw:.1f}: {', '.join(before)}"
    return [f"{total} ({'; '.join([first, ', '.join(drawing)])})"]


def _phases(seconds: Iterable[tuple[str, float]]) -> list[str]:
    return [f"{name.replace('warmup', 'warm-up')} {spent:.1f}" for name, spent in seconds]


def _effects(info: FitInfo) -> list[str]:
    """Each block of effects on lines of its own."""
    return [line for block in info.density.split("; ") for line in textwrap.wrap(block, WIDTH - 9)]


# --- tables ---------------------------------------------------------------------------------------


def sections(info: FitInfo | MlInfo, frame: pd.DataFrame) -> Iterator[str]:
    """The tables: by grouping factor, coefficients, further parameters, residual correlations."""
    title = "Multilevel Hyperparameters:\n"
    for factor, levels in info.factors:
        chosen = [row.section == "group" and row.group == factor for row in info.rows]
        if any(chosen):
            yield f"{title}~{factor} (Number of levels: {levels})\n" + _rows(info.rows, frame, chosen)
            title = ""
    for section, heading in SECTIONS:
        chosen = [row.section == section for row in info.rows]
        if any(chosen):
            yield f"{heading}\n" + _rows(info.rows, frame, chosen)


def _rows(rows: Sequence[Row], frame: pd.DataFrame, chosen: Sequence[bool]) -> str:
    names = [row.label for row, keep in zip(rows, chosen, strict=True) if keep]
    return format_table(frame.loc[list(chosen)].set_axis(names, axis=0))


def format_table(frame: pd.DataFrame, digits: int = 2, width: int = WIDTH) -> str:
    """A table as R prints it, with more decimals in rows whose ``Est.Error`` would read 0.00.

    Columns that do not fit in the width go to a further block below.
    """
    index = _justified(["", *map(str, frame.index)], str.ljust)
    errors = frame["Est.Error"] if "Est.Error" in frame else [math.nan] * len(frame)
    decimals = [decimals_of(error, digits) for error in errors]
    columns = [_column(str(name), list(values), decimals, digits) for name, values in frame.items()]
    blocks = _packed(columns, width - len(index[0]))
    return "\n".join(" ".join(cells) for block in blocks for cells in zip(index, *block, strict=True))


def decimals_of(error: float, digits: int = 2) -> int:
    """Decimals of a row: two significant digits of its error where ``digits`` would show none."""
    return 1 - math.floor(math.log10(error)) if 0 < error < 0.5 * 10**-digits else digits


def _column(name: str, values: Sequence[float], decimals: Sequence[int], digits: int) -> list[str]:
    if name in ESS_COLUMNS or name == "Rhat":
        decimals = [0 if name in ESS_COLUMNS else digits] * len(values)
    cells = [number_text(*cell) for cell in zip(values, decimals, strict=True)]
    return _justified([name, *at_the_point(cells)], str.rjust)


def number_text(value: float, decimals: int) -> str:
    """A number of so many decimals, ``NA`` where there is none, ``1.23e-09`` where decimals would not do."""
    if math.isnan(value):
        return "NA"
    if math.isfinite(value) and (decimals > MOST_DECIMALS or abs(value) >= LARGEST):
        return f"{value:.2e}"
    return f"{value:.{decimals}f}".replace("inf", "Inf")


def at_the_point(cells: list[str], digit: str = " ") -> list[str]:
    """Cells padded on the right, a ``digit`` of space each, so that their points stand under each other."""
    after = [0 if "e" in cell else len(cell.partition(".")[2]) for cell in cells]
    plain = [n > 0 for n in after]
    return [cell + digit * (max(after) - n) * keep for cell, n, keep in zip(cells, after, plain, strict=True)]


def _justified(cells: list[str], justify: Callable[[str, int], str]) -> list[str]:
    widest = max(map(len, cells))
    return [justify(cell, widest) for cell in cells]


def _packed(columns: list[list[str]], room: int) -> list[list[list[str]]]:
    """Columns in order, as many per block as there is room for, at least one."""
    blocks, left = [], 0
    for column in columns:
        size = len(column[0]) + 1
        if not blocks or size > left:
            blocks.append([])
            left = room
        blocks[-1].append(column)
        left -= size
    return blocks
