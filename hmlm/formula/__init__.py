"""Formulas as brms and lme4 users write them, and the design matrices they mean."""
