"""What the tests of the reactor share."""

import pytest
from support.reactors import Setting


@pytest.fixture
def setting():
    """Makes reactors with their workers, and clients of them."""
    made = Setting()
    yield made
    made.close()
