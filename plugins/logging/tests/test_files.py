"""Log files that root opens for workers of another user."""

import os

import pytest
from hookserve_logging.files import Owner, open_log

from hookserve import ConfigError


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could be led astray")
def test_a_link_of_root_to_another_users_link_is_not_followed(tmp_path):
    secret, theirs, ours = tmp_path / "secret", tmp_path / "theirs", tmp_path / "ours"
    secret.write_text("of root\n")
    theirs.symlink_to(secret)
    os.lchown(theirs, 65534, 65534)
    ours.symlink_to(theirs)

    with pytest.raises(ConfigError, match="symbolic link of another user"):
        open_log("errorlog", str(ours), Owner(65534, 65534))

    assert secret.stat().st_uid == 0


def test_a_link_of_root_to_a_descriptor_is_opened(tmp_path):
    path, ours = tmp_path / "log", tmp_path / "ours"
    with path.open("w") as file:
        ours.symlink_to(f"/proc/self/fd/{file.fileno()}")

        descriptor = open_log("errorlog", str(ours), Owner())

    os.write(descriptor, b"a line\n")
    os.close(descriptor)
    assert path.read_text() == "a line\n"


def test_a_fifo_without_a_reader_is_an_error_and_no_wait(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)

    with pytest.raises(ConfigError) as caught:
        open_log("accesslog", str(path), Owner())

    assert str(caught.value) == (
        f"accesslog: cannot open {path}: it is a FIFO that no process reads (start its reader"
        " first, or name a file)"
    )


def test_a_fifo_with_a_reader_is_written_to(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    descriptor = open_log("accesslog", str(path), Owner())

    assert os.get_blocking(descriptor)
    os.write(descriptor, b"a line\n")
    assert os.read(reader, 100) == b"a line\n"
    os.close(descriptor)
    os.close(reader)
