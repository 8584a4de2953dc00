"""Which files are watched, and what counts as a change."""

import os

import pytest
from hookserve_reload.loaded import UNKNOWN, stamp_of
from hookserve_reload.watched import Watched, is_pattern


def make(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        os.utime(path, (1, 1))


def names(root, paths):
    return sorted(os.path.relpath(path, root) for path in paths)


@pytest.fixture
def watch(tmp_path):
    """Watches files below the test's folder."""

    def watch(*files, extra=()):
        return Watched(
            [str(tmp_path / each) for each in files], [str(tmp_path / each) for each in extra]
        )

    return watch


def test_a_change_is_reported_once(tmp_path, watch):
    make(tmp_path, "a.py", "b.py")
    watched = watch("a.py", "b.py")
    assert watched.changes() == []

    (tmp_path / "a.py").write_text("saved")

    assert names(tmp_path, watched.changes()) == ["a.py"]
    assert watched.changes() == []


def test_deleting_and_making_are_changes(tmp_path, watch):
    make(tmp_path, "a.py")
    watched = watch("a.py", "new.py")

    (tmp_path / "a.py").rename(tmp_path / "new.py")

    assert names(tmp_path, watched.changes()) == ["a.py", "new.py"]


def test_what_is_written_beside_a_file_is_no_change(tmp_path, watch):
    make(tmp_path, "a.py")
    watched = watch("a.py")

    make(tmp_path, "__pycache__/a.cpython-313.pyc", ".a.py.swp", "a.py~", "other.py")

    assert watched.changes() == []


def test_a_loaded_file_is_watched_from_the_moment_it_was_loaded(tmp_path, watch):
    make(tmp_path, "a.py", "b.py", "c.py")
    watched = watch()

    watched.add(
        {
            str(tmp_path / "a.py"): stamp_of(str(tmp_path / "a.py")),
            str(tmp_path / "b.py"): "an older stamp",
            str(tmp_path / "c.py"): UNKNOWN,
        }
    )

    assert names(tmp_path, watched.changes()) == ["b.py", "c.py"]


def test_the_first_stamp_of_a_file_counts(tmp_path, watch):
    make(tmp_path, "a.py")
    watched = watch("a.py")

    watched.add({str(tmp_path / "a.py"): "of a worker that was replaced"})

    assert watched.changes() == []


def test_files_of_a_folder_may_come_and_go(tmp_path, watch):
    make(tmp_path, "templates/a.html", "templates/.git/x", "templates/node_modules/x/y.js")
    watched = watch(extra=["templates"])

    make(tmp_path, "templates/deep/b.html", "templates/deep/b.html~", "templates/.hidden")
    make(tmp_path, "templates/.git/y", "templates/node_modules/z.js")
    (tmp_path / "templates/a.html").unlink()

    assert names(tmp_path, watched.changes()) == ["templates/a.html", "templates/deep/b.html"]


def test_patterns_are_expanded_each_time(tmp_path, watch):
    make(tmp_path, "templates/a.html")
    watched = watch(extra=["templates/**/*.html"])

    make(tmp_path, "templates/deep/er/b.html", "templates/deep/c.txt")

    assert names(tmp_path, watched.changes()) == ["templates/deep/er/b.html"]


@pytest.mark.parametrize(
    ("entry", "expected"), [("a.py", False), ("*.py", True), ("a?.py", True), ("[ab].py", True)]
)
def test_a_pattern_has_a_sign_of_one(entry, expected):
    assert is_pattern(entry) is expected


def test_after_a_failure_every_python_file_of_the_project_counts(tmp_path, watch):
    make(tmp_path, "shop/app.py", "shop/views/a.py", "venv/pyvenv.cfg", "shop/env/pyvenv.cfg")
    watched = watch("shop/app.py", "shop/views/a.py")
    watched.include_projects()
    assert watched.changes() == []

    make(tmp_path, "shop/missing.py", "shop/new/__init__.py", "shop/notes.txt", "other.py")
    make(tmp_path, "shop/env/lib.py", "shop/site-packages/x.py", "shop/.cache/x.py")

    assert names(tmp_path, watched.changes()) == ["shop/missing.py", "shop/new/__init__.py"]


def test_a_change_before_the_failure_is_still_one(tmp_path, watch):
    make(tmp_path, "shop/app.py")
    watched = watch("shop/app.py")
    (tmp_path / "shop/app.py").write_text("saved")

    watched.include_projects()

    assert names(tmp_path, watched.changes()) == ["shop/app.py"]


def test_folders_of_installed_packages_are_no_projects(tmp_path, watch):
    make(tmp_path, "site-packages/lib/a.py")
    watched = watch("site-packages/lib/a.py")
    watched.include_projects()

    make(tmp_path, "site-packages/lib/b.py")

    assert watched.changes() == []


def test_directories_are_those_where_a_change_may_happen(tmp_path, watch):
    make(
        tmp_path, "a.py", "shop/b.py", "templates/x/y.html", "templates/.git/z", "static/css/s.css"
    )
    watched = watch("a.py", "shop/b.py", "gone/c.py", extra=["templates", "static/*.css"])
    assert names(tmp_path, watched.directories()) == [
        ".",
        "shop",
        "static",
        "templates",
        "templates/x",
    ]

    watched = watch(extra=["static/**/*.css"])
    assert names(tmp_path, watched.directories()) == ["static", "static/css"]


def test_a_project_in_the_root_of_a_disk_is_not_all_walked(tmp_path, watch, monkeypatch):
    monkeypatch.setattr("hookserve_reload.watched._MOST_FOLDERS", 3)
    make(tmp_path, "app.py", *(f"{number}/a.py" for number in range(5)))
    watched = watch("app.py")

    watched.include_projects()

    assert len(watched.directories()) == 3
