"""What workers report of the files that they have loaded."""

import importlib.util
import os
import sys
import time
from types import ModuleType

import pytest
from hookserve_reload import loaded
from hookserve_reload.loaded import UNKNOWN, LoadedFiles, Reporter, module_files, stamp_of


@pytest.fixture
def shared():
    shared = LoadedFiles()
    yield shared
    shared.close()


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """A module of the application, saved long ago."""
    path = tmp_path / "shop.py"
    path.write_text("")
    os.utime(path, (1, 1))
    module = ModuleType("shop")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "shop", module)
    return path


def replace(path):
    other = path.with_name("other")
    other.write_text(path.read_text())
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("another"),
        lambda path: os.utime(path, (5, 5)),
        replace,
        lambda path: path.unlink(),
    ],
    ids=["saved", "touched", "replaced", "deleted"],
)
def test_a_stamp_changes_with_the_file(imported, change):
    before = stamp_of(str(imported))

    change(imported)

    assert stamp_of(str(imported)) != before


def test_what_is_not_a_file_has_an_empty_stamp(tmp_path):
    assert stamp_of(str(tmp_path)) == stamp_of(str(tmp_path / "x")) == stamp_of("a\0b") == ""


def test_files_are_read_once_by_each_reader(shared):
    shared.append({"/a.py": "1", "/b\udc80.py": "2"})
    assert shared.read() == {"/a.py": "1", "/b\udc80.py": "2"}
    assert shared.read() == {}

    shared.append({"/c.py": "3", "/with\nnewline.py": "4"})
    assert shared.read() == {"/c.py": "3"}


def test_of_two_stamps_the_first_counts(shared):
    shared.append({"/a.py": "1"})
    shared.append({"/a.py": "2"})

    assert shared.read() == {"/a.py": "1"}


def test_half_a_line_is_left_for_later(shared):
    shared._file.write(b"1\t/a.py\n2\t/b")
    assert shared.read() == {"/a.py": "1"}

    shared._file.write(b".py\n")
    assert shared.read() == {"/b.py": "2"}


def test_modules_of_the_standard_library_are_left_out(imported):
    files = module_files()

    assert str(imported) in files
    assert pytest.__file__ in files
    assert os.__file__ not in files


def test_no_lazy_module_is_loaded_by_looking_for_its_file(tmp_path, monkeypatch):
    path = tmp_path / "lazy.py"
    path.write_text("raise RuntimeError('it was loaded')")
    spec = importlib.util.spec_from_file_location("lazy", path)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "lazy", module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "odd", 5)

    assert str(path) in module_files()


def test_each_file_is_reported_once_and_new_ones_later(shared, imported, monkeypatch):
    reporter = Reporter(shared)
    reporter.report()
    assert shared.read()[str(imported)] == stamp_of(str(imported))

    late = ModuleType("late")
    late.__file__ = str(imported.with_name("late.py"))
    monkeypatch.setitem(sys.modules, "late", late)
    reporter.report()

    assert list(shared.read()) == [late.__file__]


def test_without_a_new_module_nothing_is_looked_for(shared, monkeypatch):
    reporter = Reporter(shared)
    reporter.report()
    monkeypatch.setattr(loaded, "module_files", pytest.fail)

    reporter.report()


def test_a_file_saved_while_it_was_imported_may_be_another_than_the_one_that_runs(shared, imported):
    reporter = Reporter(shared)
    imported.write_text("saved meanwhile")
    reporter.report()

    assert shared.read()[str(imported)] == UNKNOWN


def test_a_file_from_the_future_is_no_change(shared, imported):
    # Clocks of file systems differ; a change that never ends would be a reload that never ends.
    reporter = Reporter(shared)
    os.utime(imported, (time.time() + 3600,) * 2)
    reporter.report()

    assert shared.read()[str(imported)] == stamp_of(str(imported))
