"""The parts of the contracts; `hookserve.testing` has the names to use."""
