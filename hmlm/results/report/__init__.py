"""The report of a fit: one self-contained HTML page."""

from hmlm.results.report.page import write_report

__all__ = ["write_report"]
