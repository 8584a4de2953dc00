"""Which form a client gets."""

import pytest
from hookserve_status.forms import negotiate

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3"
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "json"),
        ("", "json"),
        ("application/json", "json"),
        (FIREFOX, "html"),
        (PROMETHEUS, "metrics"),
        ("text/plain", "text"),
        ("text/*;q=0.5, application/json;q=0.2", "text"),
        ("text/html;q=0, */*;q=0.1", "json"),
        ("image/png", "json"),
        ("text/html;q=x, text/plain;q=0.1", "text"),
    ],
)
def test_the_form_that_is_liked_best_is_given(accept, form):
    assert negotiate(accept) == form
