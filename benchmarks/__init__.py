"""Measures hookserve beside its peers: ``python -m benchmarks`` in a checkout."""
