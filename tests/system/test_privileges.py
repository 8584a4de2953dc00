"""Users and groups."""

import ast
import os
import pwd

import pytest

from hookserve.errors import ConfigError
from hookserve.system import privileges


def test_names_and_numbers_are_resolved():
    assert privileges.resolve_user("root") == (0, 0)
    assert privileges.resolve_user("0") == (0, 0)
    assert privileges.resolve_user(4294967) == (4294967, None)
    assert privileges.resolve_group("root") == 0
    assert privileges.resolve_group("123") == 123


def test_unknown_names_are_said():
    with pytest.raises(ConfigError, match="no user 'nosuchuser'"):
        privileges.resolve_user("nosuchuser")
    with pytest.raises(ConfigError, match="no group 'nosuchgroup'"):
        privileges.resolve_group("nosuchgroup")


def test_a_user_without_an_account_has_no_groups():
    privileges.require_account(0)
    with pytest.raises(ConfigError, match="initgroups: user 4294967 has no account"):
        privileges.require_account(4294967)


def test_staying_who_one_is_needs_no_privilege():
    before = (os.getresuid(), os.getresgid(), os.getgroups())

    privileges.drop(os.geteuid(), os.getegid(), initgroups=False)
    privileges.drop(None, None, initgroups=False)

    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


def outcome_of_drop(uid, gid, initgroups=False, environ=None):
    """What a child is and has after the drop, or its error."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.environ.update({"HOME": "/root", "USER": "root", **(environ or {})})
            privileges.drop(uid, gid, initgroups)
            found = (os.getresuid(), os.getresgid(), os.getgroups(), os.environ.get("HOME"))
        except BaseException as error:
            found = str(error)
        os.write(write, repr(found).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read) as file:
        return ast.literal_eval(file.read())


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user")


@pytest.mark.process
@as_root
def test_a_user_without_an_account_does_not_keep_the_group_of_root():
    assert outcome_of_drop(54321, None) == ((54321,) * 3, (54321,) * 3, [54321], "/")


@pytest.mark.process
@as_root
@pytest.mark.parametrize("numbers", [(-1, 65534), (4294967295, 65534), (65534, -1)])
def test_a_number_that_changes_nothing_is_refused(numbers):
    assert outcome_of_drop(*numbers).startswith("cannot become user ")


@pytest.mark.process
@as_root
def test_a_system_that_ignores_the_call_is_found_out(monkeypatch):
    monkeypatch.setattr(os, "setresuid", lambda *_: None)

    assert "the process is user (0, 0, 0)" in outcome_of_drop(65534, 65534)


@pytest.mark.process
@as_root
def test_the_home_of_root_becomes_that_of_the_user_and_another_one_stays():
    home = pwd.getpwuid(65534).pw_dir

    assert outcome_of_drop(65534, 65534)[3] == home
    assert outcome_of_drop(65534, 65534, environ={"HOME": "/srv/shop"})[3] == "/srv/shop"


@pytest.mark.process
@as_root
def test_all_groups_of_the_user_are_taken_on_when_asked():
    entry = pwd.getpwuid(65534)

    groups = outcome_of_drop(65534, entry.pw_gid, initgroups=True)[2]

    assert sorted(groups) == sorted(os.getgrouplist(entry.pw_name, entry.pw_gid))


@pytest.mark.process
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user")
def test_the_way_back_is_closed_and_no_group_stays():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        privileges.drop(65534, 65534, initgroups=False)
        try:
            os.setuid(0)
            back = "back"
        except PermissionError:
            back = "not back"
        os.write(write, repr((os.getresuid(), os.getgroups(), back)).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)

    assert os.read(read, 1000).decode() == "((65534, 65534, 65534), [65534], 'not back')"
    os.close(read)
