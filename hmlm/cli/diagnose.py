"""``hmlm diagnose``: whether the draws of a saved fit can be used, and what to try next."""

from __future__ import annotations

from pathlib import Path


def diagnose(fit: Path, *, chains: bool = False) -> int:
    """Check the draws of a saved fit and say what to try next.

    Args:
        fit: netCDF file that ``hmlm fit`` wrote.
        chains: also print what the sampler did, a row per chain.
    """
    import hmlm as hm

    fitted = hm.load_fit(fit)
    print(fitted.diagnose())
    if chains:
        print(f"\n{fitted.diagnostics().to_string(float_format='{:.3g}'.format)}")
    return 0
