"""The commands and how their errors reach the terminal.

Nothing heavy is imported here: each command imports what it needs when it runs.
"""

from __future__ import annotations

import importlib.metadata
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cyclopts import App, CycloptsError

from hmlm.cli.demo import demo
from hmlm.cli.diagnose import diagnose
from hmlm.cli.doctor import doctor
from hmlm.cli.fit import fit
from hmlm.cli.report import report
from hmlm.cli.summary import summary

USAGE_ERROR = 2
INTERRUPTED = 130

app = App(
    name="hmlm",
    help="Bayesian multilevel and location scale models from brms and lme4 formulas.",
    version=lambda: importlib.metadata.version("hmlm"),
)
for command in (demo, fit, summary, diagnose, report, doctor):
    app.command(command)


def main(tokens: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 2 for what the user can put right."""
    with _plain_warnings():
        try:
            return app(tokens, exit_on_error=False, result_action="return_value") or 0
        except CycloptsError:
            return USAGE_ERROR
        except KeyboardInterrupt:
            return INTERRUPTED
        except ValueError as error:
            return _explained(error)


def _explained(error: ValueError) -> int:
    """Print an error about the user's input without a traceback; any other error is ours, so it rises."""
    from hmlm.types import HmlmError

    if not isinstance(error, HmlmError):
        raise error
    print(f"hmlm: {error}", file=sys.stderr)
    return USAGE_ERROR


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Warnings as one sentence on stderr, without the line of code they came from."""
    with warnings.catch_warnings():
        warnings.formatwarning, usual = _one_sentence, warnings.formatwarning
        try:
            yield
        finally:
            warnings.formatwarning = usual


def _one_sentence(message, category, filename, lineno, line=None) -> str:
    return f"warning: {message}\n"
