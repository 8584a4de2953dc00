"""The values of the settings."""

import pytest
from hookserve_health import prefix


@pytest.mark.parametrize(
    "path", ["/", "/-/", "/health/", "/a.b/c_d~/", "/$&'()*+,;=:@!/", "/.well-known/"]
)
def test_a_prefix_is_the_beginning_of_a_path_as_it_is_sent(path):
    assert prefix(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "health/",
        "/health",
        "/x?y/",
        "/x#y/",
        "/a b/",
        "/%41/",
        "/ä/",
        "//",
        "/a//",
        "/./",
        "/a/../",
        "/a/\n/",
    ],
)
def test_a_prefix_that_no_path_begins_with_is_refused(path):
    with pytest.raises(ValueError, match="with a slash at both ends, of letters, digits and"):
        prefix(path)
