"""The command line: ``hmlm demo``, ``hmlm fit``, ``hmlm summary``, ``hmlm report`` and ``hmlm doctor``."""

from hmlm.cli.app import main

__all__ = ["main"]
