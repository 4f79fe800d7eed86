"""Models 1 to 5 of the affect data: formulas and priors as pasted from R, character by character.

References:
    Weston, "Bayesian Data Analysis in R", week 8: multivariate models and MELSM. Data of Williams and
    others (2021).
"""

from __future__ import annotations

M1 = """NA.std ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag | id)"""

M1_PRIOR = """c(prior(normal(0, 0.2), class = Intercept),
                prior(normal(0, 1), class = b),
                prior(exponential(1), class = sd),
                prior(exponential(1), class = sigma),
                prior(lkj(2), class = cor))"""

M2_NA = """bf(NA.std ~ 1 + (1  | c | id))"""
M2_PA = """bf(PA.std ~ 1 + (1  | c | id))"""

M2_PRIOR = """c(prior(normal(0, 0.2), class = Intercept),
                prior(lkj(2), class = cor))"""

M3_NA = """bf(NA.std ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag  | c | id))"""
M3_PA = """bf(PA.std ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag  | c | id))"""

M3_PRIOR = """c(prior(normal(0, 0.2), class = Intercept),
                prior(normal(0, 1), class = b),
                prior(lkj(2), class = cor))"""

M4 = """bf(
    # location
    PA.std ~ 1 + (1 | c | id), 
    # scale (the c  in |c| allows for correlation between location and scale)
    sigma ~ 1 + (1 | c | id)
    )"""

M4_PRIOR = """c(prior(normal(0, 0.2), class = Intercept),
              prior(exponential(1), class = sd),
              prior(normal(0,1), class = Intercept, dpar=sigma),
              prior(exponential(1), class = sd, dpar=sigma),
              prior(lkj(2), class = cor))"""

M5 = """bf(
    # location
    PA.std ~ 1 + day + PA_lag + NA_lag + steps.pm*steps.pmd + 
      (1 + day + steps.pmd | c | id), 
    sigma ~ 1 + PA_lag + NA_lag + steps.pm*steps.pmd + (1 + steps.pmd | c | id)
    )"""

M5_PRIOR = """c(prior(normal(0, 0.2), class = Intercept),
              prior(normal(0, 1), class = b),
              prior(exponential(1), class = sd),
              prior(normal(0,1), class = Intercept, dpar=sigma),
              prior(exponential(1), class = sd, dpar=sigma),
              prior(lkj(2), class = cor))"""

FORMULAS = {
    "m1": M1,
    "m2": f"{M2_NA} + {M2_PA} + set_rescor(TRUE)",
    "m3": f"{M3_NA} + {M3_PA} + set_rescor(TRUE)",
    "m4": M4,
    "m5": M5,
}
PRIORS = {"m1": M1_PRIOR, "m2": M2_PRIOR, "m3": M3_PRIOR, "m4": M4_PRIOR, "m5": M5_PRIOR}
