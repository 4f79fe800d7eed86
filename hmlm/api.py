"""The public verbs: state a model, look at it, fit it. Wiring only."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from typing import Any, Literal, overload

import jax
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hmlm.density.backend import choose_backend
from hmlm.density.build import make_log_density
from hmlm.density.explain import explain_density
from hmlm.density.likelihood import Likelihood, make_likelihood, named_log_likelihood
from hmlm.density.log_density import LogDensity
from hmlm.density.pad import (
    Padded,
    check_padding,
    pad,
    padding_line,
    round_sizes,
    without_pilot,
)
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import make_plan
from hmlm.density.program import Program, make_program, program_arguments
from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.infer.approximate.approximation import PATHS, approximate
from hmlm.infer.arguments import (
    APPROXIMATIONS,
    ML,
    NO,
    ONLY,
    REML,
    check_algorithm,
    check_approximation,
    check_known,
    check_no_bucket,
    check_no_checkpoint,
    check_no_file,
    check_sample_prior,
    check_sampler,
    that_apply,
)
from hmlm.infer.checkpoint.folder import Folder
from hmlm.infer.checkpoint.kept_density import kept_density
from hmlm.infer.device import device_line
from hmlm.infer.driver import sample
from hmlm.infer.keep import what_to_keep
from hmlm.infer.likelihood_fit import maximise_likelihood
from hmlm.infer.metric import DENSE
from hmlm.infer.parallel import as_numbers, cut_cpu
from hmlm.infer.program_cache import kept_programs
from hmlm.infer.run import Run
from hmlm.infer.settings import ALL, AUTO, Settings
from hmlm.infer.starts import as_points, init_name, make_starts
from hmlm.results.approximate_fit import assemble_approximation
from hmlm.results.assemble import assemble, formula_lines
from hmlm.results.diagnosis import warn
from hmlm.results.fit import Fit
from hmlm.results.kept import ON_CHANGE, kept_fit
from hmlm.results.ml_assemble import assemble_ml
from hmlm.results.ml_fit import MlFit
from hmlm.results.ml_printout import problems
from hmlm.results.prior_fit import assemble_prior
from hmlm.results.run_folder import check_same_data, open_run, stored_run
from hmlm.results.starting import points_of_fit
from hmlm.results.statement import Statement
from hmlm.results.storage import load_fit as read_fit
from hmlm.results.updating import changes_of, in_rows_of
from hmlm.spec.build import build_spec
from hmlm.spec.families import family_text, find_family
from hmlm.spec.family import Family
from hmlm.spec.levels import with_levels
from hmlm.spec.prior import as_priors
from hmlm.spec.spec import Spec
from hmlm.spec.table import prior_lines, prior_table
from hmlm.types import DataError, Design, EstimationWarning, ModelFormula, OutcomeFormula, Prior

Formula = str | OutcomeFormula | ModelFormula | Iterable[str | OutcomeFormula]
Priors = str | Prior | Mapping[str, Any] | Iterable[Prior | Mapping[str, Any]] | None
Table = pd.DataFrame | Mapping[str, Any]
Matrices = Mapping[str, Any] | None
Init = str | Fit | ArrayLike
Devices = int | Sequence[int] | Sequence[jax.Device] | None


@dataclass(frozen=True, eq=False)
class Model:
    """A stated model: spec and data. Made by :func:`model` or a named factory.

    Attributes:
        spec: the model as pure data.
        design: its matrices.
        density: how group effects are treated, see :func:`model`.
        kernels: who computes the likelihood, see :func:`model`.
        data_name: what printed output calls the table.
        priors: those stated.
        bucket: whether it is sampled over round sizes, see :func:`model`.
    """

    spec: Spec
    design: Design
    density: str | Mapping[str, str] = "auto"
    data_name: str = "data"
    kernels: str = "auto"
    priors: tuple[Prior, ...] = ()
    bucket: bool = False

    def __repr__(self) -> str:
        lines = [line for outcome in formula_lines(self.design.formula) for line in outcome]
        return "\n".join([f"hmlm model, {self.design.n_rows} rows", *lines])

    @cached_property
    def numpyro_model(self) -> Program:
        """The model as a plain NumPyro program; call it with :attr:`model_kwargs`."""
        return make_program(self.spec)

    @property
    def model_args(self) -> tuple[()]:
        """Positional arguments of :attr:`numpyro_model`: none."""
        return ()

    @cached_property
    def model_kwargs(self) -> dict[str, Mapping[str, np.ndarray]]:
        """Keyword arguments of :attr:`numpyro_model`; without ``y`` it simulates outcomes."""
        return program_arguments(self.spec, self.design)

    @cached_property
    @kept_programs()
    def log_density(self) -> LogDensity:
        """The log density that is sampled: (D,) unconstrained -> scalar."""
        plan = make_plan(self.spec, self.density)
        plan = without_pilot(self.spec, plan) if self.bucket else plan
        pilot = fit_pilot(self.spec, self.design)
        return make_log_density(self.spec, self.design, pilot, plan, choose_backend(self.kernels))

    @cached_property
    @kept_programs()
    def _padded(self) -> Padded:
        """The log density over round sizes."""
        return pad(self.log_density, round_sizes(self.log_density))

    @cached_property
    def _likelihood(self) -> Likelihood:
        return make_likelihood(self.spec, self.design, fit_pilot(self.spec, self.design))

    def marginal_log_lik(self, values: Mapping[str, ArrayLike]) -> float | np.ndarray:
        """The log likelihood itself, group effects integrated out exactly, no prior in it.

        ``log p(y | b, sd, cor, sigma)``, normalising constants included: at lme4's estimates it is lme4's
        ``logLik``.

        Args:
            values: every population-level parameter by brms's name, ``{"b_Intercept": 5.0,
                "sd_id__Intercept": 0.4, "sigma": 1.0}``; or draws of them, arrays of one shape.

        Returns:
            A number, for arrays of draws an array of their shape.

        Raises:
            HmlmError: an unknown or missing name, a value out of range, or effects on sigma, which cannot be
                integrated out exactly.
        """
        found = named_log_likelihood(self._likelihood, dict(values))
        return float(found) if found.ndim == 0 else found

    def initial(self, chains: int = 4, seed: int = 0, init: Init = "auto") -> np.ndarray:
        """(chains, D) starting points; ``init`` as :meth:`fit`, by default around a quick point estimate."""
        points = self._points(init, chains, seed)
        init = init_name(init) if points is None else points
        return make_starts(self.log_density, init, chains, seed)(0)

    def explain(self) -> str:
        """What is integrated out and what is sampled, block by block, why and at what cost; and the priors.

        Read it with ``print(m.explain())``.
        """
        plan = explain_density(self.log_density, self.density)
        sizes = [padding_line(self.log_density, self._padded)] if self.bucket else []
        where = device_line(self.log_density)
        return "\n".join([plan, *sizes, "", where, *(f"prior: {line}" for line in prior_lines(self.spec))])

    @overload
    def fit(
        self,
        *,
        chains: int = ...,
        warmup: int = ...,
        draws: int = ...,
        seed: int = ...,
        target_accept: float = ...,
        metric: str = ...,
        max_tree_depth: int = ...,
        devices: Devices = ...,
        parallel: str = ...,
        device: str = ...,
        progress: bool | None = ...,
        algorithm: Literal["auto", "nuts", "chees", "meads", "map", "laplace", "pathfinder", "svi"] = ...,
        init: Init = ...,
        resample: bool | None = ...,
        sample_prior: str = ...,
        file: str | PathLike[str] | None = ...,
        file_refit: str = ...,
        thin: int = ...,
        keep: str | Sequence[str] = ...,
        checkpoint: str | PathLike[str] | None = ...,
    ) -> Fit: ...

    @overload
    def fit(self, *, algorithm: Literal["ml", "reml"]) -> MlFit: ...

    def fit(
        self,
        *,
        chains: int = 4,
        warmup: int = 300,
        draws: int = 1000,
        seed: int = 0,
        target_accept: float = 0.8,
        metric: str = DENSE,
        max_tree_depth: int = 10,
        devices: Devices = None,
        parallel: str = AUTO,
        device: str = AUTO,
        progress: bool | None = None,
        algorithm: str = AUTO,
        init: Init = "auto",
        resample: bool | None = None,
        sample_prior: str = NO,
        file: str | PathLike[str] | None = None,
        file_refit: str = ON_CHANGE,
        thin: int = 1,
        keep: str | Sequence[str] = ALL,
        checkpoint: str | PathLike[str] | None = None,
        **unknown: Any,
    ) -> Fit | MlFit:
        """Sample the posterior, approximate it, or climb the likelihood for a quick look.

        Args:
            chains: number of chains.
            warmup: adaptation draws per chain. Chains learn together, so that 300 do what elsewhere 1000 do.
            draws: draws kept per chain.
            seed: the same seed on the same machine gives the same draws.
            target_accept: raise towards 1 where there are divergences.
            metric: scales of the posterior that warm-up learns: ``"dense"`` over population-level
                coordinates, diagonal over group effects; ``"diagonal"``; or ``"low-rank"``: dense, and a few
                directions across all coordinates.
            max_tree_depth: trajectories have at most ``2**max_tree_depth - 1`` steps.
            devices: spread the chains over that many devices, or over these: their numbers or
                ``jax.devices()[:2]``; of each host where there are several (``docs/sampling/devices.md``).
            parallel: how: ``"shard_map"``, ``"pmap"`` (the same draws; JAX keeps it in maintenance mode) or
                ``"threads"`` of one CPU device; ``"auto"`` is threads there, else shard_map.
            device: ``"cpu"`` or ``"gpu"``; ``"auto"`` chooses by the size of the problem, see
                ``explain()``.
            progress: show a bar; None means only at a terminal.
            algorithm: ``"nuts"``; for many chains ``"chees"`` or ``"meads"``, whose chains advance in step;
                ``"auto"`` is ChEES from 32 chains on, else NUTS. Or an approximation of the posterior, which
                says how far it can be trusted, of ``draws`` independent draws: ``"laplace"``,
                ``"pathfinder"``, ``"svi"`` (variational); and ``"map"``, the mode alone. Or lme4's answer, a
                point estimate without priors for which the settings above mean nothing: ``"ml"`` maximises
                the likelihood, ``"reml"`` the restricted one.
            init: where chains or approximations start: ``"auto"``, around a quick estimate, else from
                Pathfinder's draws; ``"pilot"``, ``"pathfinder"``, ``"laplace"`` or ``"map"``; a fit of this
                model, from its draws; or (chains, D) points as :meth:`initial` gives them.
            resample: whether an approximation's draws are taken by importance; None does if k-hat < 0.7.
            sample_prior: ``"only"`` draws from the prior instead, as :meth:`sample_prior`, all chains in one.
            file: a netCDF file that keeps the fit: read if it is there, else written.
            file_refit: when to sample although the file is there: ``"on_change"``, if model, data or the
                settings that draws depend on have changed; ``"never"`` or ``"always"``.
            thin: keep the last of every so many draws; ``draws`` counts them before that, as brms's ``iter``.
            keep: ``"all"``; ``"population"``, the parameters alone, where draws of all group effects would
                not fit in memory; or a list of draws' names, ``["b_day", "sigma", "r_id"]``.
            checkpoint: a folder that the run is written to as it goes, so that :func:`hmlm.resume`, or the
                same call, goes on after whatever ended it; draws stay on disk until they are looked at.
            unknown: nothing else; another name is an error that says the right one.

        Raises:
            HmlmError: an argument out of range or unknown; the message says what is allowed.
        """
        check_known(unknown)
        check_algorithm(algorithm)
        if sample_prior != NO:
            check_sample_prior(sample_prior, algorithm, file)
            check_no_checkpoint('sample_prior="only"', checkpoint)
            return self.sample_prior(chains * draws, seed)
        if algorithm in (*APPROXIMATIONS, ML, REML):
            check_no_checkpoint(f"algorithm={algorithm!r}", checkpoint)
        if algorithm in (ML, REML):
            check_no_file(algorithm, file)
            return self._climb(restricted=algorithm == REML)
        points = self._points(init, PATHS if algorithm in APPROXIMATIONS else chains, seed)
        numbers, platform = as_numbers(devices)
        settings = Settings(
            chains=chains,
            warmup=warmup,
            draws=draws,
            seed=seed,
            target_accept=target_accept,
            metric=metric,
            max_tree_depth=max_tree_depth,
            devices=numbers,
            parallel=parallel,
            device=platform if platform is not None and device == AUTO else device,
            algorithm=algorithm,
            init=init_name(init if points is None else points),
            resample=resample,
            thin=thin,
            keep=keep,
        )
        what_to_keep(self.spec, settings.keep)
        (check_approximation if algorithm in APPROXIMATIONS else check_sampler)(settings)
        statement = self._statement(settings)
        if algorithm in APPROXIMATIONS:
            sampled = partial(self._approximate, statement, points)
        else:
            sampled = partial(self._sample, statement, points, progress, checkpoint)
        if file is None:
            return sampled()
        family = self.spec.family
        own = None if family.custom is None else family
        kept = kept_fit(Path(file), file_refit, statement, self.design, sampled, own)
        return replace(kept, refit_fn=refit)

    def sample_prior(self, draws: int = 1000, seed: int = 0) -> Fit:
        """Draw from the prior: every parameter, group effects too, whatever the data say.

        What it returns works as a fit: ``m.sample_prior().plot.pp_check()`` is a prior predictive check, and
        ``predict``, ``epred`` and ``conditional_effects`` show what the priors expect.

        Args:
            draws: number of independent draws, in one chain.
            seed: the same seed gives the same draws.

        Raises:
            PriorError: a flat prior, from which nothing can be drawn; the message names the parameters.

        References:
            Gabry et al. (2019), Visualization in Bayesian workflow, doi:10.1111/rssa.12378
        """
        statement = self._statement(Settings(chains=1, draws=draws, seed=seed))
        return assemble_prior(self.spec, self.design, statement, refit)

    def _statement(self, settings: Settings) -> Statement:
        return Statement(
            formula=self.design.formula,
            family=family_text(self.spec.family),
            priors=self.priors,
            density=self.density,
            kernels=self.kernels,
            data_name=self.data_name,
            settings=settings,
        )

    def _sample(
        self,
        statement: Statement,
        points: np.ndarray | None,
        progress: bool | None,
        checkpoint: str | PathLike[str] | None,
    ) -> Fit:
        if checkpoint is not None:
            check_no_bucket(self.bucket)
            folder = open_run(checkpoint, self.spec, statement, self.design)
            return self._sample_into(folder, statement, points, progress)
        began = time.perf_counter()
        with kept_programs():
            density, padded = self.log_density, self._padded if self.bucket else None
            prepared = time.perf_counter() - began
            run = sample(density, statement.settings, progress=progress, points=points, padded=padded)
            run = run.with_seconds("prepare", prepared)
            return self._fit_of(run, density, statement, None if padded is None else padded.density)

    def _sample_into(
        self, folder: Folder, statement: Statement, points: np.ndarray | None, progress: bool | None
    ) -> Fit:
        with kept_programs():
            density, points = kept_density(folder, self.log_density, points)
            run = sample(density, statement.settings, progress=progress, points=points, checkpoint=folder)
            return self._fit_of(run, density, statement)

    def _fit_of(
        self, run: Run, density: LogDensity, statement: Statement, sampled: LogDensity | None = None
    ) -> Fit:
        fit = assemble(density, self.design, run, statement, refit, sampled)
        warn(fit)
        return fit

    def _approximate(self, statement: Statement, points: np.ndarray | None) -> Fit:
        with kept_programs():
            found = approximate(self.log_density, statement.settings, points)
        fit = assemble_approximation(self.log_density, self.design, found, statement, refit)
        warn(fit)
        return fit

    def _points(self, init: Init, chains: int, seed: int) -> np.ndarray | None:
        """(chains, D) points that ``init`` holds or draws from a fit; None of a name."""
        if isinstance(init, Fit):
            return points_of_fit(self.log_density, init, chains, seed)
        return None if isinstance(init, str) else as_points(init)

    def _climb(self, *, restricted: bool) -> MlFit:
        with kept_programs():
            run = maximise_likelihood(self.spec, self.design, restricted=restricted)
        fit = assemble_ml(run, self.spec, self.design, self.data_name)
        for problem in problems(fit.info):
            warnings.warn(problem, EstimationWarning, stacklevel=3)
        return fit


def model(
    formula: Formula,
    data: Table,
    family: str | Family = "gaussian",
    prior: Priors = None,
    *,
    data2: Matrices = None,
    density: str | Mapping[str, str] = "auto",
    kernels: str = "auto",
    data_name: str = "data",
    bucket: bool = False,
) -> Model:
    """State a multilevel model from a brms or lme4 formula and a table.

    Args:
        formula: as pasted, ``"y ~ x + (1 + x | id)"``, or of :func:`hmlm.bf`.
        data: the table, a row per observation.
        family: response distribution, by its name or of :func:`hmlm.custom_family`.
        prior: of :func:`hmlm.prior`, a list of them, or pasted from R.
        data2: matrices that the formula names, as brms's: for ``(1 | gr(id, cov = A))`` the known covariance
            between levels, ``{"A": table}`` with the levels as index and columns, or
            ``{"A": (array, levels)}``.
        density: how group effects are treated: ``"auto"``, ``"marginal"`` (integrated out), ``"informed"``,
            ``"centered"``, ``"noncentered"``, or a mapping from blocks to these; the posterior is the same.
        kernels: who computes the likelihood: ``"native"`` (C++ on a CPU), ``"xla"`` (anywhere) or ``"auto"``;
            the numbers are the same.
        data_name: what printed output calls the table.
        bucket: sample over numbers of rows and levels rounded up to 8, 12, 16, 24 and so on, so that tables
            of about the same size share compiled programs, as in a simulation study; the posterior is the
            same. State the priors then: default ones follow the data, and programs follow the priors.

    Raises:
        FormulaError, DataError, PriorError: saying what is wrong and the nearest valid thing.
    """
    design, found = with_levels(build_design(as_model_formula(formula), data, data2), find_family(family))
    priors = as_priors(prior)
    spec = build_spec(design, found, priors)
    plan = make_plan(spec, density)
    choose_backend(kernels)
    if bucket:
        check_padding(spec, len(plan.factors))
    return Model(spec, design, density, data_name, kernels, priors, bucket)


def fit(
    formula: Formula,
    data: Table,
    family: str | Family = "gaussian",
    prior: Priors = None,
    *,
    data2: Matrices = None,
    density: str | Mapping[str, str] = "auto",
    kernels: str = "auto",
    data_name: str = "data",
    bucket: bool = False,
    **settings: Any,
) -> Fit | MlFit:
    """State a model and fit it in one call; arguments as :func:`model` and :meth:`Model.fit`."""
    cut_cpu(settings.get("devices"))
    how = {"density": density, "kernels": kernels, "data_name": data_name, "bucket": bucket}
    stated = model(formula, data, family, prior, data2=data2, **how)
    return stated.fit(**settings)


def load_fit(path: str | PathLike[str], family: Family | None = None) -> Fit:
    """The fit that ``fit.save(path)`` wrote; it prints, summarises, predicts and updates as before.

    Args:
        path: the file.
        family: of :func:`hmlm.custom_family`, where the fit had one: files do not hold it.

    Raises:
        HmlmError: the file is missing, damaged or not a fit, or has another family than the one given.
    """
    return replace(read_fit(path, family), refit_fn=refit)


def resume(
    checkpoint: str | PathLike[str],
    data: Table | None = None,
    family: Family | None = None,
    *,
    any_code: bool = False,
    progress: bool | None = None,
) -> Fit:
    """Go on with the run that ``m.fit(checkpoint=...)`` began, to the draws that it would have given.

    Args:
        checkpoint: the folder.
        data: nothing is needed; a table is checked to be the one of the run.
        family: of :func:`hmlm.custom_family`, where the run had one: files do not hold it.
        any_code: go on although hmlm or JAX have changed since; draws are valid, but not those that the run
            would have given.
        progress: show a bar; None means only at a terminal.

    Raises:
        HmlmError: no run is there, its parts are damaged or those of another run, or data or code differ;
            the message names the file or what differs.
    """
    run = stored_run(checkpoint, family, any_code=any_code)
    said = run.statement
    if data is not None:
        own = run.spec.family if family is None else family
        matrices = {known.name: known for known in run.design.known}
        stated = model(said.formula, data, own, said.priors, data2=matrices)
        check_same_data(checkpoint, run.design, stated.design)
    stated = Model(run.spec, run.design, said.density, said.data_name, said.kernels, said.priors)
    return stated._sample_into(run.folder, said, None, progress)


def refit(fit: Fit, formula: Any, data: Any, prior: Any, settings: Mapping[str, Any]) -> Fit | MlFit:
    """What :meth:`Fit.update` does: its model with changes, fitted."""
    changes, design = changes_of(fit, formula, data, prior, settings), fit.design
    if fit.info.of_prior:
        changes.run.setdefault("sample_prior", ONLY)
    run = that_apply(changes.run, settings)
    if data is not None or design is None:
        return model(data=data, **changes.model).fit(**run)
    try:
        stated = model(data=design.table, **changes.model)
    except DataError as error:
        hint = "of the columns and rows that the fit keeps; pass data= for others"
        raise DataError(f"{error} ({hint})") from error
    return replace(stated, design=in_rows_of(stated.design, design)).fit(**run)


def get_prior(
    formula: Formula,
    data: Table,
    family: str | Family = "gaussian",
    prior: Priors = None,
    data2: Matrices = None,
) -> pd.DataFrame:
    """The priors a model would have, like brms's ``get_prior``: a row per prior that can be set."""
    design, found = with_levels(build_design(as_model_formula(formula), data, data2), find_family(family))
    return prior_table(design, found, as_priors(prior))
