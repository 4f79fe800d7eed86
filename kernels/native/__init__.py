"""The likelihood kernels in C++, compiled at installation; without a compiler XLA does the work."""
