"""What the tests of OpenTelemetry share."""

import pytest
from support.collector import Collector


@pytest.fixture
def collector():
    with Collector() as made:
        yield made
