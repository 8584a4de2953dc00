"""The contract's application, in a module that says when and where it is imported."""

from hookserve.testing.contract.application import application
from hookserve.testing.contract.recorder import note

__all__ = ["application"]

note("application")
