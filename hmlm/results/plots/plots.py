"""``fit.plot``: every figure of a fit by name. Drawing, and matplotlib with it, loads at the first figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmlm.results.fit import Fit


@dataclass(frozen=True, eq=False)
class Plots:
    """The figures of one fit. Each method returns a matplotlib figure and shows nothing by itself.

    A notebook displays the figure that a cell returns; ``figure.savefig("m5.png")`` writes it anywhere.
    """

    fit: Fit

    def __repr__(self) -> str:
        names = [name for name in vars(type(self)) if not name.startswith("_") and name != "fit"]
        return f"figures: {', '.join(names)}"

    # --- group effects -------------------------------------------------------------------------------

    def caterpillar(
        self,
        group: str | Iterable[str] | None = None,
        term: str | Iterable[str] | None = None,
        prob: float = 0.95,
    ) -> Figure:
        """Every level's effect with its interval, sorted, a panel per term.

        Args:
            group: the grouping factors wanted; None takes all.
            term: the terms wanted as brms names them, ``"day"``, ``"sigma_Intercept"``; None takes all.
            prob: probability of the intervals.

        Raises:
            HmlmError: an unknown factor or term, or a model without group effects.
        """
        from hmlm.results.plots.caterpillar import caterpillar

        return caterpillar(self.fit, group, term, prob)

    def ranked_sigma(self, group: str | None = None, resp: str | None = None, prob: float = 0.95) -> Figure:
        """Levels by their residual standard deviation, ``exp(b_sigma_Intercept + r_id__sigma)``.

        Points are posterior means of sigma itself, not the exponential of the mean of log sigma; other
        predictors of sigma stand at 0.

        Args:
            group: the grouping factor; needed where sigma's intercept varies by several.
            resp: the outcome; needed where there are several.
            prob: probability of the intervals.

        Raises:
            HmlmError: sigma has no formula, or its intercept varies by no factor.
        """
        from hmlm.results.plots.ranked_sigma import ranked_sigma

        return ranked_sigma(self.fit, group, resp, prob)

    def location_scale(self, group: str | None = None, resp: str | None = None, prob: float = 0.95) -> Figure:
        """Each level's deviation in the mean against its sigma, as a ratio to the average one.

        The line is what the model's correlation and standard deviations imply; a model without that
        correlation gets none.

        Args:
            group: the grouping factor; needed where sigma's intercept varies by several.
            resp: the outcome; needed where there are several.
            prob: probability of the intervals.

        Raises:
            HmlmError: the intercepts of the mean and of sigma do not both vary by a factor.
        """
        from hmlm.results.plots.location_scale import location_scale

        return location_scale(self.fit, group, resp, prob)

    def pair(self, x: str, y: str, group: str | None = None, prob: float = 0.95) -> Figure:
        """Two group effects of each level against each other, with both intervals.

        Args:
            x, y: terms as ``fit.ranef()`` names them, ``"NAstd_PA_lag"``.
            group: the grouping factor; needed where there are several.
            prob: probability of the intervals.

        Raises:
            HmlmError: an unknown factor or term.
        """
        from hmlm.results.plots.pair import pair

        return pair(self.fit, x, y, group, prob)

    def shrinkage(
        self,
        x: str | None = None,
        y: str | None = None,
        group: str | None = None,
        resp: str | None = None,
    ) -> Figure:
        """Each level alone, pooled by the model, and all levels as one, on the plane of two coefficients.

        Levels alone and all as one are least squares of the outcome on the varying coefficients, with the
        rest of the model taken out at its posterior mean. The ellipses hold 50 % and 90 % of the
        population of levels.

        Args:
            x, y: coefficients of the mean that vary; None takes the first two.
            group: the grouping factor; needed where the mean's coefficients vary by several.
            resp: the outcome; needed where there are several.

        Raises:
            HmlmError: fewer than two coefficients of the mean vary, or an unknown name.
        """
        from hmlm.results.plots.shrinkage import shrinkage

        return shrinkage(self.fit, x, y, group, resp)

    def separate(self, group: str | None = None, resp: str | None = None) -> Figure:
        """Densities over levels of coefficients fitted separately by least squares, and of the model's.

        Args:
            group: the grouping factor; needed where the mean's coefficients vary by several.
            resp: the outcome; needed where there are several.

        Raises:
            HmlmError: nothing varies in the mean, or too few levels can be fitted by themselves.
        """
        from hmlm.results.plots.separate import separate

        return separate(self.fit, group, resp)

    def spaghetti(
        self,
        x: str,
        group: str | None = None,
        resp: str | None = None,
        levels: int | None = None,
        ndraws: int = 200,
    ) -> Figure:
        """Expected lines of all levels along a column, each over the range of its own rows.

        The other columns stand at their means within the level.

        Args:
            x: a column of numbers of the model, ``"day"``.
            group: the grouping factor; needed where there are several.
            resp: the outcome; None draws a panel for each.
            levels: that many levels, up to 16, in panels of their own with their rows and intervals.
            ndraws: draws to average; panels take all.

        Raises:
            HmlmError: an unknown column, factor or outcome.
        """
        from hmlm.results.plots.spaghetti import spaghetti

        return spaghetti(self.fit, x, group, resp, levels, ndraws)

    def lines(
        self,
        x: str,
        levels: int | Sequence[str] | None = None,
        group: str | None = None,
        resp: str | None = None,
        ndraws: int = 50,
        conditions: Mapping[str, Any] | None = None,
    ) -> Figure:
        """Expected outcome along a column, a line per draw: of a new level, or of known ones.

        Other columns stand at their means or first levels. A new level differs from draw to draw by its
        effects too, so that its lines are spread as levels are.

        Args:
            x: a column of numbers of the formula, ``"PA_lag"``.
            levels: names, a panel each, or how many, evenly through the levels by their rows; None takes
                a new level.
            group: the grouping factor; needed where there are several. Other factors are those of the
                level's first row, or new too.
            resp: the outcome; None draws a panel for each.
            ndraws: lines.
            conditions: values for columns that are held, ``{"NA_lag": 0}``.

        Raises:
            HmlmError: an unknown column, factor, level or outcome.
        """
        from hmlm.results.plots.lines import lines

        return lines(self.fit, x, levels, group, resp, ndraws, conditions)

    # --- predictions ---------------------------------------------------------------------------------

    def conditional(self, effects: str | list[str] | None = None, prob: float = 0.95, **options) -> Figure:
        """The tables of :meth:`hmlm.Fit.conditional_effects`, a panel each; arguments as there."""
        from hmlm.results.plots.conditional import conditional

        return conditional(self.fit, effects, prob, **options)

    def check(self, resp: str | None = None) -> Figure:
        """Whether residuals and group effects look as the model assumes.

        Residuals over sigma against expected values (flat about 0: linear), the root of their size (flat:
        equal spread), and their quantiles and those of every term's effects against a normal distribution's.
        For MELSM sigma is each row's own. Other families have quantile residuals, the normal quantiles of the
        probability below each outcome, of counts randomised within its step; without a distribution function
        (or where outcomes are censored) Pearson residuals.

        Args:
            resp: the outcome; needed where there are several.
        """
        from hmlm.results.plots.check import check

        return check(self.fit, resp)

    def influence(self, group: str | None = None) -> Figure:
        """Pareto's k-hat of leaving out each row, or each level of a factor with all its rows.

        Args:
            group: a grouping factor; None takes rows.
        """
        from hmlm.results.plots.influence import influence

        return influence(self.fit.loo(group))

    def loo_pit(self, resp: str | None = None, prob: float = 0.95) -> Figure:
        """Calibration: whether outcomes fall where the model expects them when it has not seen them.

        The empirical distribution of :meth:`hmlm.Fit.loo_pit` less the uniform one, in a band that a
        calibrated model leaves nowhere with probability ``prob``.

        Args:
            resp: the outcome; None draws a panel for each.
            prob: probability of the band.

        Raises:
            HmlmError: an unknown outcome, or a fit that was read from a file.

        References:
            Säilynoja, Bürkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6
        """
        from hmlm.results.plots.loo_pit import loo_pit

        return loo_pit(self.fit, resp, prob)

    def pp_check(
        self,
        kind: str | None = None,
        resp: str | None = None,
        group: str | None = None,
        ndraws: int | None = None,
        seed: int = 0,
    ) -> Figure:
        """Outcomes next to new ones that the model makes for the same rows.

        Args:
            kind: ``"density"`` of continuous outcomes, ``"bars"`` of counts, ``"ecdf"``, ``"intervals"``
                (of rows in the order of their outcomes) or ``"group"`` (densities or bars of the largest
                levels); None takes densities or bars.
            resp: the outcome; needed where there are several.
            group: the grouping factor of ``"group"``; needed where there are several.
            ndraws: data sets to make; 50 for curves, 500 for intervals unless said.
            seed: of the new outcomes.

        Raises:
            HmlmError: an unknown kind, outcome or factor, densities of counts.
        """
        from hmlm.results.plots.pp_check import pp_check

        return pp_check(self.fit, kind, resp, group, ndraws, seed)

    def residual_covariance(
        self, level: str | None = None, group: str | None = None, resp: str | None = None
    ) -> Figure:
        """Covariance between the rows of one level that varying coefficients and residuals imply.

        Posterior means; up to 60 rows, in the table's order.

        Args:
            level: of the factor; None takes the first.
            group: the grouping factor; needed where the mean's coefficients vary by several.
            resp: the outcome; needed where there are several.

        Raises:
            HmlmError: an unknown level, or nothing varies in the mean.
        """
        from hmlm.results.plots.residual_covariance import residual_covariance

        return residual_covariance(self.fit, level, group, resp)

    # --- parameters ----------------------------------------------------------------------------------

    def coefficients(self, regex: str | None = None, prob: float = 0.95) -> Figure:
        """Density, intervals and mean of each population-level coefficient, a panel per linear predictor.

        Args:
            regex: of labels or draws' names, ``"steps"``, ``"^b_sigma"``; None leaves the intercepts out.
            prob: probability of the thin intervals; the thick ones have 66 %.

        Raises:
            HmlmError: nothing matches.
        """
        from hmlm.results.plots.coefficients import coefficients

        return coefficients(self.fit, regex, prob)

    def correlation_prior(self, cor: str | Iterable[str] | None = None, prob: float = 0.95) -> Figure:
        """The LKJ prior of each correlation against its posterior.

        Args:
            cor: the correlations wanted, ``"cor(Intercept,day)"`` or ``"cor_id__Intercept__day"``; None
                takes all, residual ones included.
            prob: probability of the interval.

        Raises:
            HmlmError: an unknown correlation, or a model without any.
        """
        from hmlm.results.plots.correlation_prior import correlation_prior

        return correlation_prior(self.fit, cor, prob)

    # --- sampler -------------------------------------------------------------------------------------

    def trace(self, regex: str | None = None) -> Figure:
        """Densities and draws in order by chain; ticks mark divergences.

        Args:
            regex: of labels or draws' names; None takes the six parameters that mixed worst.
        """
        from hmlm.results.plots.trace import trace

        return trace(self.fit, regex)

    def rank(self, regex: str | None = None) -> Figure:
        """Histograms of ranks by chain, flat where the chains agree.

        Args:
            regex: of labels or draws' names; None takes the six parameters that mixed worst.

        Raises:
            HmlmError: nothing matches, or there is one chain only.

        References:
            Vehtari et al. (2021), doi:10.1214/20-BA1221
        """
        from hmlm.results.plots.rank import rank

        return rank(self.fit, regex)

    def energy(self) -> Figure:
        """Energies against their changes from draw to draw, with each chain's E-BFMI.

        References:
            Betancourt (2016), arXiv:1604.00695
        """
        from hmlm.results.plots.energy import energy

        return energy(self.fit)
