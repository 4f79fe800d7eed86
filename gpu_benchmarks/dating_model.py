"""Speed dating as it is stated: decisions of 498 people about whom they met, from *Mixed Models with R*."""

from __future__ import annotations

SPEED_DATING = "speed_dating"
FAMILY = "bernoulli"
PERSON = "iid"
FORMULA = "decision ~ sex + samerace + attractive_sc + sincere_sc + intelligent_sc + (1 | iid)"
SCORES = ("attractive_sc", "sincere_sc", "intelligent_sc")
TERMS = ("sexMale", "sameraceYes", *SCORES)
