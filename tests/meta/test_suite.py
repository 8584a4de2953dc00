"""How the tests are run: what `conftest.py` and `make test` promise of the processes."""

import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from support import suite
from support.clean_environment import make_once

TEST = """import os, sys
def test_what_a_test_starts_writes_no_byte_code():
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"
    assert sys.dont_write_bytecode
"""


@pytest.mark.process
def test_tests_that_were_rewritten_side_by_side_are_kept_for_the_next_run(tmp_path):
    shutil.copy(suite.ROOT / "conftest.py", tmp_path)
    (path := tmp_path / "test_one.py").write_text(TEST)
    assert not suite.is_compiled(path)

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", path.name],
        cwd=tmp_path,
        env=suite.environment(PYTHONPATH=str(suite.ROOT / "tests")),
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout
    assert suite.is_compiled(path)
    os.utime(path, (2_000_000_000, 2_000_000_000))
    assert not suite.is_compiled(path)


def test_many_new_tests_are_rewritten_before_the_run_shared_by_processes(monkeypatch):
    started = []

    class Started:
        def __init__(self, command, **_):
            started.append([word for word in command if word.endswith(".py")])

        def wait(self): ...

    monkeypatch.setattr(suite.subprocess, "Popen", Started)
    files = [Path(f"test_{number}.py") for number in range(suite.MANY)]
    monkeypatch.setattr(suite, "find_tests", lambda: files)
    monkeypatch.setattr(suite, "is_compiled", lambda path: path == files[0])

    suite.compile_tests(2)
    assert started == []

    files.append(Path("test_last.py"))
    suite.compile_tests(2)
    assert [len(each) for each in started] == [suite.MANY // 2] * 2
    assert sorted(chain.from_iterable(started)) == sorted(map(str, files[1:]))


class Factory:
    """As pytest's, in one of the processes side by side."""

    def __init__(self, base):
        (base / "popen-gw0").mkdir()
        self.getbasetemp = lambda: base / "popen-gw0"


def test_what_processes_share_is_made_once_and_again_if_that_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    factory, made = Factory(tmp_path), []

    def make(folder):
        assert list(folder.iterdir()) == []
        (folder / "part").touch()
        made.append(folder)
        assert len(made) > 1, "the first fails"

    with pytest.raises(AssertionError, match="the first fails"):
        make_once(factory, "slow", make)
    for _ in range(2):
        assert make_once(factory, "slow", make) == tmp_path / "slow"

    assert len(made) == 2
