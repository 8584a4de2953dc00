"""Heads that clients repeat are parsed once."""

from types import SimpleNamespace

import pytest
from hookserve_http.fields import FIELDS
from hookserve_http.repeated import RepeatedHead, RepeatedHeads


def make_request(**environ):
    environ = {FIELDS: [], "REMOTE_ADDR": "203.0.113.9", "REMOTE_PORT": "1", **environ}
    return SimpleNamespace(environ=environ, is_http11=True, is_bodiless=False, persists=True)


def test_a_head_is_kept_from_its_second_time_on():
    heads = RepeatedHeads(follows=True)

    heads.note(b"a", make_request())
    assert not heads
    heads.note(b"a", make_request())

    assert heads[b"a"].traits == (True, False, True)


def test_the_address_is_that_of_the_client_that_repeats_it():
    head = RepeatedHead(b"GET /x", make_request(PATH_INFO="/x"))

    environ = head.make_environ(("203.0.113.10", 2))
    environ["PATH_INFO"] = "/changed"

    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("203.0.113.10", "2")
    assert head.make_environ(None)["PATH_INFO"] == "/x"
    assert head.make_environ(None)["REMOTE_ADDR"] == ""


@pytest.mark.parametrize(
    ("follows", "data", "request_of"),
    [
        (False, b"a", make_request()),
        (True, b"a" * 1025, make_request()),
        (True, b"a", SimpleNamespace(environ={})),
        (True, b"a", make_request(HTTP_UPGRADE="h2c")),
    ],
    ids=[
        "a hook may change the environ",
        "it is long",
        "its fields are not cached",
        "it asks for another protocol",
    ],
)
def test_what_is_not_kept(follows, data, request_of):
    heads = RepeatedHeads(follows)

    for _ in range(3):
        heads.note(data, request_of)

    assert not heads


def test_many_heads_leave_the_cache_bounded_and_not_stuck():
    heads = RepeatedHeads(follows=True)
    for number in range(64):
        for _ in range(2):
            heads.note(b"%d" % number, make_request())
    for number in range(10):
        for _ in range(2):
            heads.note(b"new %d" % number, make_request())
    assert len(heads) == 64
    assert b"0" in heads

    for _ in range(5000):
        heads.note(b"new 0", make_request())

    assert b"new 0" in heads
    assert len(heads) < 64
