"""How fast hmlm is: on this machine, CPU or GPU, and next to the same models written by hand for its peers.

``python -m gpu_benchmarks`` runs every suite at a size that suits the machine; ``python -m gpu_benchmarks
--help`` lists them.
"""
