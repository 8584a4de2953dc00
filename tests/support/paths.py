"""Where the applications that the integration tests serve are."""

from pathlib import Path

SUPPORT = Path(__file__).parent
