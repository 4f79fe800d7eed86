"""The model as a NumPyro program and as a fast log density over one unconstrained vector."""
