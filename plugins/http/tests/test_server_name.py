"""Names of a server that is reached over a unix socket."""

import pytest
from hookserve_http.server_name import named_by_host


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("example.org", "http", ("example.org", "80")),
        ("example.org", "https", ("example.org", "443")),
        ("example.org:8080", "https", ("example.org", "8080")),
        ("[2001:db8::1]", "http", ("[2001:db8::1]", "80")),
        ("[2001:db8::1]:81", "http", ("[2001:db8::1]", "81")),
        ("", "http", ("localhost", "80")),
        (None, "https", ("localhost", "443")),
        ("example.org:", "http", ("example.org", "80")),
    ],
)
def test_host_names_the_server(host, scheme, expected):
    environ = {"wsgi.url_scheme": scheme} | ({} if host is None else {"HTTP_HOST": host})

    named_by_host(lambda environ, start_response: [])(environ, None)

    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == expected
