"""Users and groups."""

import os

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


def test_staying_who_one_is_needs_no_privilege():
    before = (os.getresuid(), os.getresgid(), os.getgroups())

    privileges.drop(os.geteuid(), os.getegid(), initgroups=False)
    privileges.drop(None, None, initgroups=False)

    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


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
