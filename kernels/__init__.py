"""Vectorised likelihood kernels: the only code that touches rows. Arrays in, arrays out."""
