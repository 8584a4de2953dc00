"""What tests of listeners share."""

import pytest


@pytest.fixture
def opened():
    """Listeners to close at the end."""
    found = []
    yield found
    for listener in found:
        listener.close()
