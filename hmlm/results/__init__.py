"""What people read: the fit, its tables, warnings and files."""

from hmlm.results.diagnosis import check, warn
from hmlm.results.fit import Fit
from hmlm.results.info import FitInfo, Row
from hmlm.results.storage import load_fit

__all__ = ["Fit", "FitInfo", "Row", "check", "load_fit", "warn"]
