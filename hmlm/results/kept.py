"""``file=``: a fit that is kept in a file and sampled again only when it must be, as in brms."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from hmlm.infer.hosts import any_host, first_host
from hmlm.results import archive
from hmlm.results.fit import Fit
from hmlm.results.matrices import data_hash
from hmlm.results.statement import Statement, differences
from hmlm.results.storage import load_fit
from hmlm.spec.family import Family
from hmlm.spec.hint import did_you_mean
from hmlm.types import Design, HmlmError

ON_CHANGE, NEVER, ALWAYS = "on_change", "never", "always"
POLICIES = (ON_CHANGE, NEVER, ALWAYS)


def kept_fit(
    path: Path,
    refit: str,
    statement: Statement,
    design: Design,
    sample_fn: Callable[[], Fit],
    family: Family | None = None,
) -> Fit:
    """The fit of ``path`` if it may be taken, else that of ``sample_fn``, which is then written there.

    One line on stderr says which. A file is looked at before anything is sampled; that of an interrupted run
    counts as changed. Of several hosts all read or all sample, and the first writes.

    Args:
        path: the file.
        refit: one of :data:`POLICIES`.
        statement: what is asked for.
        design: its data.
        sample_fn: samples.
        family: a custom one, which files do not hold.

    Raises:
        HmlmError: an unknown policy, no folder for the file, or a file that is no fit: it is left alone.
    """
    if refit not in POLICIES:
        hint = did_you_mean(str(refit), POLICIES)
        raise HmlmError(f"file_refit={refit!r} is unknown{hint}; choose one of {', '.join(POLICIES)}")
    archive.check_folder(path)
    there = path.exists()
    reasons = _reasons(archive.read_header(path), refit, statement, design) if there else []
    if not any_host(not there or bool(reasons)):
        _say(f"read {path} instead of sampling" + (" (file_refit='never')" if refit == NEVER else ""))
        return load_fit(path, family)
    if there:
        why = ", ".join(reasons) or "another host does not have it"
        _say(f"sampling again, {path} will be replaced: {why}")
    fit = sample_fn()
    if first_host():
        fit.save(path)
    return fit


def _reasons(header: archive.Header, refit: str, statement: Statement, design: Design) -> list[str]:
    """Why to sample although the file is there."""
    if refit != ON_CHANGE:
        return ["file_refit='always'"] if refit == ALWAYS else []
    if header.statement is None:
        return ["it does not say what it was made from"]
    reasons = [f"{name} changed" for name in differences(header.statement, statement)]
    if "formula changed" not in reasons and header.table_hash != data_hash(
        design
    ):  # else it has other columns
        reasons.append("data changed")
    return [*reasons, *(["its run was interrupted"] if header.info.interrupted else [])]


def _say(message: str) -> None:
    print(f"hmlm: {message}", file=sys.stderr)
