"""``hmlm report``: one HTML page on a saved fit."""

from __future__ import annotations

from pathlib import Path


def report(fit: Path, *, out: Path | None = None, title: str | None = None, prob: float = 0.95) -> int:
    """Write one self-contained HTML page on a saved fit.

    Args:
        fit: netCDF file that ``hmlm fit`` wrote.
        out: the page; beside the fit, with its name, unless said.
        title: of the page; made from the model unless said.
        prob: probability of the intervals.
    """
    import hmlm as hm

    written = hm.load_fit(fit).report(out or fit.with_suffix(".html"), title, prob=prob)
    print(f"Wrote {written} ({written.stat().st_size / 1e6:.1f} MB).")
    return 0
