"""What :meth:`hmlm.Model.fit` may be asked for: names of algorithms, and errors that say the right ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hmlm.infer.approximate.approximation import LAPLACE, MAP, PATHFINDER, SVI
from hmlm.infer.settings import AUTO, GIVEN, NUTS, SAMPLERS, Settings
from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

ML, REML = "ml", "reml"
APPROXIMATIONS = (LAPLACE, PATHFINDER, SVI, MAP)
ALGORITHMS = (*SAMPLERS, *APPROXIMATIONS, ML, REML)
NO, ONLY = "no", "only"

OF_RUNS = ("chains", "warmup", "target_accept", "max_tree_depth", "devices", "thin", "keep", "metric")
OF_SAMPLERS = (*OF_RUNS, "parallel", "device")

ELSEWHERE = {
    "iter": "draws (after warm-up) and warmup",
    "cores": "devices for several GPUs; on a CPU the chains share its cores anyway",
    "control": "target_accept and max_tree_depth",
    "adapt_delta": "target_accept",
    "max_treedepth": "max_tree_depth",
    "num_warmup": "warmup",
    "tune": "warmup",
    "num_samples": "draws",
    "output_samples": "draws",
    "num_chains": "chains",
    "rng_key": "seed",
    "save_pars": 'keep: "all", "population" or a list of names',
    "thinning": "thin",
    "inits": "init",
    "initvals": "init",
    "init_params": "init",
    "psis_resample": "resample",
    "REML": 'algorithm="reml" or algorithm="ml"',
    "method": f"algorithm: {', '.join(ALGORITHMS)}",
}  # what brms, PyMC, NumPyro and lme4 call the settings of a run

OTHER_NAMES = {
    "sampling": NUTS,
    "hmc": NUTS,
    "meanfield": SVI,
    "fullrank": SVI,
    "advi": SVI,
    "vi": SVI,
    "variational": SVI,
    "optimize": MAP,
    "optimizing": MAP,
    "mle": ML,
}  # what others call algorithms


def check_known(unknown: Iterable[str]) -> None:
    """Refuse arguments of other names."""
    known = [*GIVEN, "progress", "sample_prior", "file", "file_refit", "checkpoint"]
    for name in unknown:
        hint = f"; use {ELSEWHERE[name]}" if name in ELSEWHERE else did_you_mean(name, [*known, "prior"])
        raise HmlmError(f"fit has no argument {name!r}{hint} (settings of a run: {', '.join(known)})")


def check_algorithm(algorithm: object) -> None:
    """Refuse an algorithm that there is not."""
    if algorithm not in ALGORITHMS:
        other = OTHER_NAMES.get(str(algorithm).lower())
        hint = f"; here it is {other!r}" if other else did_you_mean(str(algorithm), ALGORITHMS)
        raise HmlmError(f"algorithm={algorithm!r} is unknown{hint}; choose one of {', '.join(ALGORITHMS)}")


def check_approximation(settings: Settings) -> None:
    """Refuse settings of samplers for an approximation, which has neither chains nor warm-up."""
    said = [name for name in OF_SAMPLERS if getattr(settings, name) != getattr(Settings, name)]
    if said:
        raise HmlmError(
            f"{said[0]}={getattr(settings, said[0])!r} means nothing to algorithm={settings.algorithm!r}, "
            f"whose draws are independent: leave {' and '.join(said)} out; draws= and seed= are its settings"
        )
    if settings.algorithm == MAP and (settings.resample is not None or settings.draws != Settings.draws):
        raise HmlmError(
            'algorithm="map" is one point, of which nothing is drawn: leave draws and resample out'
        )
    if settings.init in (LAPLACE, PATHFINDER, MAP):
        raise HmlmError(
            f"init={settings.init!r} is where chains start; algorithm={settings.algorithm!r} starts around a "
            "quick estimate: leave init out, or give it a fit or (paths, coordinates) points"
        )
    if settings.resample not in (None, True, False):
        raise HmlmError(f"resample={settings.resample!r}: True, False, or None to let k-hat decide")


def check_sampler(settings: Settings) -> None:
    """Refuse settings of approximations for a sampler."""
    if settings.resample is not None:
        raise HmlmError(
            f"resample= is of approximations ({', '.join(APPROXIMATIONS[:-1])}); the draws of "
            f"algorithm={settings.algorithm!r} are the posterior's: leave it out"
        )


def check_no_bucket(bucket: bool) -> None:
    """Refuse a checkpoint for programs that many tables share."""
    if bucket:
        raise HmlmError(
            "checkpoint= is for one long run, bucket=True for many short ones, whose programs it shares: "
            "leave one of them out"
        )


def check_no_file(algorithm: str, file: object) -> None:
    """Refuse a file for an estimate without draws."""
    if file is not None:
        raise HmlmError(f"file= keeps draws, and algorithm={algorithm!r} makes none: leave file out")


def check_no_checkpoint(what: str, checkpoint: object) -> None:
    """Refuse a checkpoint for what is over at once."""
    if checkpoint is not None:
        raise HmlmError(f"{what} takes no long run that could be gone on with: leave checkpoint out")


def check_sample_prior(sample_prior: object, algorithm: str, file: object) -> None:
    """Refuse what does not go with draws from the prior."""
    if sample_prior != ONLY:
        raise HmlmError(
            f'sample_prior={sample_prior!r}: "no" or "only"; for the prior beside the posterior call '
            "m.sample_prior()"
        )
    if algorithm not in (AUTO, NUTS) or file is not None:
        raise HmlmError('sample_prior="only" draws directly and at once: leave algorithm and file out')


def that_apply(run: Mapping[str, Any], given: Iterable[str]) -> dict[str, Any]:
    """Arguments of a run without those that an earlier run was told and that mean nothing to its algorithm.

    Args:
        run: of an earlier run, with changes.
        given: names of the changes, which are kept.
    """
    algorithm, approximates = run.get("algorithm", AUTO), run.get("algorithm") in APPROXIMATIONS
    foreign = {*OF_SAMPLERS, "init"} if approximates else {"resample"}
    foreign |= {"draws", "resample"} if algorithm == MAP else set()
    return {name: value for name, value in run.items() if name in given or name not in foreign}
