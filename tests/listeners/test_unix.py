"""The path of a unix socket: claimed by one start, through no name that another user can swap."""

import fcntl
import os
import socket
import stat
import threading

import pytest

from hookserve.errors import ListenError
from hookserve.listeners import unix
from hookserve.listeners.address import UnixAddress
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import inherit_listener, open_listener
from hookserve.system import locks

OPTIONS = ListenerOptions()


@pytest.fixture
def victim(tmp_path):
    """A file that the owner of the socket's directory may not change."""
    path = tmp_path / "victim"
    path.write_text("secret")
    path.chmod(0o600)
    return path


@pytest.fixture
def directory(tmp_path):
    """Where the sockets are."""
    made = tmp_path / "run"
    made.mkdir()
    return made


def test_a_name_that_is_swapped_after_bind_changes_no_other_file(directory, victim, monkeypatch):
    before = victim.stat()

    class Swapped(unix.Socket):
        """The directory's owner acts right after bind(2)."""

        def bind(self, name):
            super().bind(name)
            for entry in list(directory.iterdir()):
                entry.rename(directory / "taken")
                if (directory / "taken").is_dir():
                    entry.mkdir()
                    (entry / "socket").symlink_to(victim)
                else:
                    entry.symlink_to(victim)

    monkeypatch.setattr(unix, "Socket", Swapped)
    address = UnixAddress(str(directory / "socket"), mode=0o777, user="65534", group="65534")

    open_listener(address, OPTIONS).close()

    after = victim.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert stat.S_ISSOCK((directory / "socket").lstat().st_mode)


def test_a_directory_that_another_user_put_in_place_is_refused(directory, monkeypatch):
    made = os.mkdir

    def mkdir(name, mode, dir_fd):
        made(name, mode, dir_fd=dir_fd)
        os.chmod(name, 0o777, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", mkdir)

    with pytest.raises(ListenError, match="another process replaces files there"):
        open_listener(UnixAddress(str(directory / "socket")), OPTIONS)

    assert list(directory.iterdir()) == []


def test_no_other_file_of_the_directory_is_removed(directory):
    foreign = directory / f"socket.{os.getpid()}.new"
    foreign.write_text("precious")

    open_listener(UnixAddress(str(directory / "socket")), OPTIONS).close()

    assert foreign.read_text() == "precious"


def test_of_two_starts_one_gets_the_path(directory):
    path = str(directory / "socket")
    outcomes = []

    def start():
        try:
            outcomes.append(open_listener(UnixAddress(path), OPTIONS))
        except ListenError as error:
            outcomes.append(str(error))

    for _ in range(10):
        outcomes.clear()
        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [each for each in outcomes if not isinstance(each, str)]
        assert len(winners) == 1
        assert all("already in use" in each for each in outcomes if isinstance(each, str))
        winners[0].close()


def test_a_lock_that_is_never_released_delays_a_start_and_no_more(directory, monkeypatch):
    monkeypatch.setattr(locks, "_LIMIT", 0.05)
    held = os.open(directory, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        open_listener(UnixAddress(str(directory / "socket")), OPTIONS).close()
    finally:
        os.close(held)


def test_a_path_that_no_client_could_name_is_refused(directory):
    with pytest.raises(ListenError, match="longer than 107 bytes"):
        open_listener(UnixAddress(str(directory / ("x" * 108))), OPTIONS)


def test_an_inherited_socket_has_the_path_of_its_address(directory):
    address = UnixAddress(str(directory / "socket"))
    listener = open_listener(address, OPTIONS)
    number = os.dup(listener.fileno())
    listener.close()

    inherited = inherit_listener(number, address, listener.inode)

    assert inherited.endpoint == listener.endpoint
    inherited.close()


def test_a_relative_path_is_made_in_the_working_directory(directory, monkeypatch):
    monkeypatch.chdir(directory)

    listener = open_listener(UnixAddress("socket"), OPTIONS)

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(directory / "socket"))
    listener.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could be led astray")
def test_a_link_of_another_user_leads_to_no_other_folder(directory, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    os.chown(site, 65534, -1)
    (site / "run").symlink_to(directory)
    os.lchown(site / "run", 65534, -1)

    with pytest.raises(ListenError, match="symbolic link of another user"):
        open_listener(UnixAddress(str(site / "run" / "socket")), OPTIONS)

    assert list(directory.iterdir()) == []
