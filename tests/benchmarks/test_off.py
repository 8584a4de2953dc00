"""What is measured of plugins that are off can be measured."""

import shutil

import pytest

from benchmarks import off


@pytest.mark.process
def test_a_start_is_timed_and_its_memory_seen():
    took, *memory = off.start(off.PLUGINS)

    assert took > 10
    assert len(memory) == 4
    assert all(each > 1000 for each in memory)


def test_without_valgrind_the_table_has_no_instructions(monkeypatch, capsys):
    monkeypatch.setattr(off, "start", lambda without: (10.0, 1.0, 2.0, 3.0, 4.0 + len(without)))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("sys.argv", ["off", "--starts", "3", "--each", "--plugin", "health"])

    assert off.main() == 0

    *_, first, second, third = capsys.readouterr().out.splitlines()
    assert first.split() == ["installed,", "off", "10.0", "1", "2", "3", "4", "-", "-"]
    assert second.split()[-3:] == third.split()[-3:] == ["5", "-", "-"]
