"""What is said of an address that cannot be listened on."""

import errno
import os

import pytest

from hookserve.listeners.address import Endpoint, parse_address
from hookserve.listeners.advice import listen_error

IN_USE = OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
ENDPOINTS = [
    Endpoint("127.0.0.1", "9000"),
    Endpoint("::", "9001"),
    Endpoint("/run/shop.sock", "", unix=True),
    Endpoint("@shop", "", unix=True),
]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("0.0.0.0:9000", "127.0.0.1:9000"),
        ("[::]:9000", "127.0.0.1:9000"),
        ("127.0.0.1:9001", "[::]:9001"),
        ("unix:/run/../run/shop.sock", "unix:/run/shop.sock"),
        ("unix:@shop", "unix:@shop"),
    ],
)
def test_an_address_that_this_server_has_itself_is_named(text, held):
    error = listen_error(parse_address(text), IN_USE, "--status", ENDPOINTS)

    assert str(error) == (
        f"cannot listen on {text}: address already in use (this server itself listens at {held}:"
        " choose another address with --status, or reload twice, first without the one that is"
        " there)"
    )


@pytest.mark.parametrize(
    "text", ["127.0.0.2:9000", "127.0.0.1:9002", "unix:/run/other", "unix:@other", "[::1]:9000"]
)
def test_else_another_server_is_there(text):
    error = listen_error(parse_address(text), IN_USE, "--bind", ENDPOINTS)

    assert str(error) == (
        f"cannot listen on {text}: address already in use (another server is there: stop it, or"
        " choose another address with --bind)"
    )


def test_any_other_error_has_its_remedy_whatever_is_held():
    denied = OSError(errno.EACCES, os.strerror(errno.EACCES))

    found = [
        str(listen_error(parse_address(text), denied, "--bind", ENDPOINTS))
        for text in ("127.0.0.1:9000", "unix:/run/shop.sock")
    ]

    assert found == [
        "cannot listen on 127.0.0.1:9000: permission denied (try a port above 1023, or a"
        " capability)",
        "cannot listen on unix:/run/shop.sock: permission denied (let this user write to /run, or"
        " choose another path with --bind)",
    ]


def test_a_directory_that_is_missing_is_named():
    missing = OSError(errno.ENOENT, os.strerror(errno.ENOENT))

    assert str(listen_error(parse_address("unix:/run/shop/sock"), missing, "--status", [])) == (
        "cannot listen on unix:/run/shop/sock: no such file or directory (make /run/shop, or choose"
        " another path with --status)"
    )
