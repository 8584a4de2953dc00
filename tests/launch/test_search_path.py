"""The directories that the server puts in front of ``sys.path``, and takes out again."""

import sys

import pytest

from hookserve.launch import search_path


@pytest.fixture(autouse=True)
def path(monkeypatch):
    """An empty search path that the test has for itself."""
    monkeypatch.setattr(search_path, "_ours", set())
    monkeypatch.setattr(sys, "path", ["/lib"])


def test_the_last_directory_is_searched_first():
    search_path.put_first("/v1")
    search_path.put_first("/v2")

    assert sys.path == ["/v2", "/v1", "/lib"]


def test_what_is_searched_already_stays_where_it_is():
    search_path.put_first("/v1")

    search_path.put_first("/lib")
    search_path.put_first("/v1")

    assert sys.path == ["/v1", "/lib"]


def test_only_what_the_server_has_added_is_taken_out():
    same = sys.path
    search_path.put_first("/v1")
    sys.path.insert(0, "/of/a/plugin")
    search_path.put_first("/lib")  # it was there before

    search_path.take_out()

    assert sys.path == ["/of/a/plugin", "/lib"]
    assert sys.path is same


def test_a_directory_that_others_have_twice_is_taken_out_with_the_servers():
    search_path.put_first("/v1")
    sys.path.append("/v1")

    search_path.take_out()

    assert sys.path == ["/lib"]
