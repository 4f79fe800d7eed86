"""The likelihood kernels in C++, compiled when the package is installed; without a compiler XLA does the work."""
