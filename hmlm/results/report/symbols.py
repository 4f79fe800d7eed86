"""Which symbol stands for which parameter: β and u of means, γ and v of log sigma, numbered alike."""

from __future__ import annotations

from dataclasses import dataclass

from hmlm.results.report.families import wording_of
from hmlm.results.report.mathml import indexed, joined, letter, name, number, row, sign, sub, sup
from hmlm.spec.spec import JOINT, Block, BlockTerm, Spec

COEFFICIENTS = {"mu": "β", "sigma": "γ"}
EFFECTS = {"mu": "u", "sigma": "v"}
OTHER_COEFFICIENT, OTHER_EFFECT = "δ", "w"
INDICES = "jklmnpq"
INTERCEPT = "Intercept"


@dataclass(frozen=True)
class Symbols:
    """The symbols of one model.

    Attributes:
        spec: the model.
        columns: the outcomes as the table calls them.
    """

    spec: Spec
    columns: tuple[str, ...]

    def outcome(self, m: int) -> str:
        """``PA.std_i``."""
        return sub(name(self.columns[m]), letter("i"))

    def parameter(self, m: int, dpar: str, *, by_row: bool) -> str:
        """``μ_i``, or ``σ`` where it has no formula."""
        base = self._base(dpar)
        mark = self._marked(m)
        if by_row:
            return indexed(base, letter("i"), mark)
        return sup(base, mark) if mark else base

    def addition(self, m: int, term: str) -> str:
        """``n_i`` of an addition term."""
        return indexed(self._base(term), letter("i"), self._marked(m))

    def offset(self, p: int) -> str:
        """``o_i``, what is added to a linear predictor as it is."""
        return indexed(letter("o"), letter("i"), self._marked(self.spec.predictors[p].response))

    def coefficient(self, p: int, term: str) -> str:
        """``β_k``: 0 is the intercept, the others count in their order."""
        predictor = self.spec.predictors[p]
        base = letter(COEFFICIENTS.get(predictor.dpar, OTHER_COEFFICIENT))
        return indexed(base, number(self._place(p, term)), self._marked(predictor.response))

    def coefficients(self, p: int) -> list[str]:
        """Those of a predictor but for an intercept apart from the columns."""
        return [self.coefficient(p, term) for term in self.spec.predictors[p].names]

    def any_coefficient(self, p: int) -> str:
        """``β_k``, for sums over k."""
        predictor = self.spec.predictors[p]
        base = letter(COEFFICIENTS.get(predictor.dpar, OTHER_COEFFICIENT))
        return indexed(base, letter("k"), self._marked(predictor.response))

    def column(self, term: str) -> str:
        """The column of a coefficient in row i, ``steps.pm_i · steps.pmd_i``; empty for the intercept's."""
        if term == INTERCEPT:
            return ""
        parts = [sub(name(part), letter("i")) for part in term.split(":") if part != INTERCEPT]
        return joined(parts, "·") if len(parts) > 1 else parts[0]

    def effect(self, block: Block, term: BlockTerm, *, by_row: bool) -> str:
        """``u_{1 j}``, in a predictor ``u_{1 j[i]}``."""
        predictor = self.spec.predictors[term.predictor]
        base = letter(EFFECTS.get(predictor.dpar, OTHER_EFFECT))
        index = joined([number(self._place(term.predictor, term.name)), self.level(block, by_row=by_row)])
        return indexed(base, index, self._marked(predictor.response, block.factor))

    def spread(self, block: Block, term: BlockTerm, *, by_level: bool = False) -> str:
        """``τ`` of an effect, with the effect's own letter and number: ``τ_{u1}``, of a level ``τ_{u1j}``."""
        predictor = self.spec.predictors[term.predictor]
        kind = letter(EFFECTS.get(predictor.dpar, OTHER_EFFECT))
        index = row(kind, number(self._place(term.predictor, term.name)))
        index = joined([index, self.level(block, by_row=False)]) if by_level else index
        return indexed(letter("τ"), index, self._marked(predictor.response, block.factor))

    def sd_coefficients(self, s: int) -> list[str]:
        """``ζ_k`` of the covariates that standard deviations between levels depend on."""
        own = self.spec.sds[s].prefix.removeprefix("sd_")
        mark = row(sign("("), name(own), sign(")")) if len(self.spec.sds) > 1 else ""
        return [indexed(letter("ζ"), number(k), mark) for k in range(1, 1 + len(self.spec.sds[s].names))]

    def of_level(self, term: str, block: Block) -> str:
        """A covariate in level j, ``age_j``."""
        return joined([sub(name(part), self.level(block, by_row=False)) for part in term.split(":")], "·")

    def level(self, block: Block, *, by_row: bool) -> str:
        """``j``, or ``j[i]``: the level of row i."""
        base = letter(INDICES[block.factor % len(INDICES)])
        return row(base, sign("["), letter("i"), sign("]")) if by_row else base

    def of_block(self, base: str, block: Block) -> str:
        """A matrix of a block, named after it where there are several blocks."""
        several = len(self.spec.blocks) > 1
        return sub(letter(base), name(block.name)) if several else letter(base)

    def _base(self, quantity: str) -> str:
        symbol = wording_of(self.spec.family).symbol(quantity)
        return letter(symbol) if len(symbol) == 1 else name(symbol)

    def _place(self, p: int, term: str) -> int:
        """Number of a coefficient; terms that vary without a population-level counterpart come last."""
        if term == INTERCEPT:
            return 0
        known = [own for own in self.spec.predictors[p].names if own != INTERCEPT]
        varying = [t.name for block in self.spec.blocks for t in block.terms if t.predictor == p]
        every = list(dict.fromkeys([*known, *(own for own in varying if own != INTERCEPT)]))
        return 1 + every.index(term)

    def _marked(self, m: int, factor: int | None = None) -> str:
        """The mark that tells outcomes, and factors, apart; empty where there is one of each."""
        marks = [self.columns[m]] if self.spec.multivariate and m != JOINT else []
        if factor is not None and len(self.spec.factors) > 1:
            marks.append(self.spec.factors[factor].name)
        return row(sign("("), name(", ".join(marks)), sign(")")) if marks else ""
