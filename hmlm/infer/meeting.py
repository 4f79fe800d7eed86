"""What hosts exchange in a run: that it is the same one, states where groups meet, the draws at its end."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, TypeVar

import jax
import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.infer.algorithm import Algorithm
from hmlm.infer.hosts import Hosts
from hmlm.infer.placement import Placement
from hmlm.infer.settings import Settings
from hmlm.types import HmlmError

Tree = Any
Run = TypeVar("Run")


def check_alike(hosts: Hosts, density: LogDensity, settings: Settings) -> None:
    """That every host was given the same model, as far as sizes tell, and the same settings.

    Raises:
        HmlmError: naming what differs.
    """
    stated = {"dimensions": density.size, "rows": density.spec.n_rows, **asdict(settings)}
    texts = {name: np.frombuffer(str(value).encode(), np.uint8) for name, value in stated.items()}
    for host, told in enumerate(hosts.told("settings", texts)):
        for name, text in told.items():
            if (other := text.tobytes().decode()) != str(stated[name]):
                raise HmlmError(
                    f"hosts disagree: {name} is {stated[name]} on host {hosts.own} and {other} on host "
                    f"{host}; give all of them the same model, data and settings"
                )


def meet(
    hosts: Hosts, placement: Placement, algorithm: Algorithm, done: int, states: list[Tree]
) -> list[Tree]:
    """This host's states after ``done`` draws, having learnt from those of every host."""
    if hosts.count == 1:
        return [placement.put(state) for state in algorithm.meet(states)]
    everyone = [state for told in hosts.told(f"states-{done}", states) for state in told]
    own = slice(hosts.own * placement.groups, (hosts.own + 1) * placement.groups)
    return [placement.put(state) for state in algorithm.meet(everyone)[own]]


def joined(hosts: Hosts, run: Run) -> Run:
    """The run of all hosts' chains; where one was interrupted, as many draws of each as that one has."""
    if hosts.count == 1:
        return run
    told = hosts.told("lengths", {"draws": run.draws.lp.shape[1], "interrupted": run.interrupted})
    n = min(int(each["draws"]) for each in told)
    own = jax.tree.map(lambda leaf: np.asarray(leaf)[:, :n], _by_chain(run))
    everyone = jax.tree.map(lambda *parts: np.concatenate(parts), *hosts.told("draws", own))
    if everyone["values"] is not None:
        everyone["values"] = np.moveaxis(everyone["values"], -1, 0)
    return replace(run, **everyone, interrupted=any(bool(each["interrupted"]) for each in told))


def _by_chain(run: Run) -> dict[str, Tree]:
    """What a run holds of its draws, leaves (C, S, ...)."""
    values = None if run.values is None else np.moveaxis(run.values, 0, -1)
    return {"draws": run.draws, "values": values, "effects": dict(run.effects), "longest": run.longest}
