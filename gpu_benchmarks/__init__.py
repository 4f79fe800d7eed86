"""How fast hmlm is, next to the same models written by hand for NumPyro and for PyMC.

``python -m gpu_benchmarks densities`` and ``python -m gpu_benchmarks peers`` print the tables.
"""
