"""The figures of a fit: ``fit.plot``."""

from hmlm.results.plots.plots import Plots

__all__ = ["Plots"]
