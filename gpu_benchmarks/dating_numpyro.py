"""Speed dating by hand in NumPyro: non-centred effects, a gather, and the default priors of brms."""

from __future__ import annotations

import numpyro
import numpyro.distributions as dist
from numpyro import sample

from gpu_benchmarks.affect_numpyro import HALF_T
from gpu_benchmarks.dating_model import TERMS


def speed_dating(n_people, person, y, X):
    """decision ~ sex + samerace + attractive_sc + sincere_sc + intelligent_sc + (1 | iid), bernoulli."""
    intercept = sample("Intercept", dist.StudentT(3, 0, 2.5))
    b = sample("b", dist.ImproperUniform(dist.constraints.real_vector, (), (len(TERMS),)))
    sd = sample("sd", HALF_T)
    with numpyro.plate("people", n_people):
        z = sample("z", dist.Normal(0, 1))
    sample("y", dist.BernoulliLogits(intercept + X @ b + sd * z[person]), obs=y)
