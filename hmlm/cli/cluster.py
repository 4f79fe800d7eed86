"""``hmlm fit`` as one process of several: by its options, or as a task of a SLURM step."""

from __future__ import annotations

import os

from hmlm.types import HmlmError

OPTIONS = ("--coordinator", "--processes", "--process-id")
SLURM_STEP = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID")


def join_hosts(coordinator: str | None, processes: int | None, process_id: int | None) -> bool:
    """Whether this process is the one that prints, having met the others if there are any.

    Raises:
        HmlmError: some of the three options without the others, or the others did not come.
    """
    given = (coordinator, processes, process_id)
    if processes == 1 or (given == (None, None, None) and not _in_step()):
        return True
    if given != (None, None, None):
        _check_complete(*given)

    from hmlm.infer.hosts import connect, first_host

    connect(coordinator, processes, process_id)
    return first_host()


def _check_complete(coordinator: str | None, processes: int | None, process_id: int | None) -> None:
    given = (coordinator, processes, process_id)
    missing = [option for option, value in zip(OPTIONS, given, strict=True) if value is None]
    if missing:
        raise HmlmError(
            f"{' and '.join(missing)} missing: each process says all of --coordinator HOST:PORT, "
            "--processes N and --process-id 0 to N - 1"
        )
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit():
        raise HmlmError(f"--coordinator {coordinator}: host and port of process 0, such as node1:1234")
    if not 0 <= process_id < processes:
        raise HmlmError(f"--process-id {process_id}: from 0 to {processes - 1}, one for each of {processes}")


def _in_step() -> bool:
    """Whether SLURM runs this as one of several tasks of a step."""
    tasks = os.environ.get("SLURM_STEP_NUM_TASKS", "1")
    return tasks.isdigit() and int(tasks) > 1 and all(name in os.environ for name in SLURM_STEP)
