"""Measures hookserve beside other servers: ``python -m benchmarks`` in a checkout."""
