"""``hookserve new`` as people type it, right and wrong."""

import pytest
from support import installed
from support.command import hookserve

pytestmark = pytest.mark.process


def test_it_says_what_it_wrote_and_what_to_try_next(tmp_path):
    result = hookserve("new", "worker", "tidy", cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    head, *lines = result.stdout.splitlines()
    at = lines.index("try next:")
    folder = tmp_path / "hookserve-tidy"
    assert head == "wrote hookserve-tidy:"
    assert {line.strip() for line in lines[:at]} == {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    }
    assert [line.strip() for line in lines[at + 1 :]] == [
        "pip install -e './hookserve-tidy[test]'",
        "pytest ./hookserve-tidy",
        "hookserve -k tidy shop.wsgi:application",
    ]


def test_a_protocol_is_begun_likewise(tmp_path):
    result = hookserve("new", "protocol", "lines", cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert "hookserve --protocol lines shop.lines:handle" in result.stdout


def test_a_worker_is_begun_for_an_interface(tmp_path):
    result = hookserve("new", "worker", "tidy", "--interface", "asgi", cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert "hookserve -k tidy shop.asgi:application" in result.stdout
    text = (tmp_path / "hookserve-tidy" / "hookserve_tidy" / "__init__.py").read_text()
    assert 'interfaces=("asgi",)' in text


def test_a_place_can_be_named(tmp_path):
    directory = tmp_path / "my sources" / "new"

    result = hookserve("new", "worker", "tidy", "--directory", str(directory), cwd=tmp_path)

    assert (directory / "hookserve-tidy" / "pyproject.toml").is_file()
    assert f"pytest '{directory}/hookserve-tidy'\n" in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ("", 2, "a kind (worker, protocol) and a name are needed (usage: hookserve new KIND NAME"),
        ("worker", 2, "the worker needs a name (usage: hookserve new KIND NAME"),
        ("logger x", 2, "there is no kind 'logger', the kinds are: worker, protocol"),
        ("wroker x", 2, "the kinds are: worker, protocol (did you mean 'worker'?)"),
        ("worker x --interface rsgi", 2, "argument --interface: invalid choice: 'rsgi'"),
        ("protocol x --interface asgi", 2, "--interface is for a worker, a protocol has none"),
        ("worker x y", 2, "unrecognized arguments: y (usage: hookserve new KIND NAME"),
        ("worker x --directory", 2, "argument --directory: expected one argument"),
        ("worker Tidy", 2, "'Tidy' cannot be a worker's name"),
        ("worker ../x", 2, "'../x' cannot be a worker's name"),
        ("worker sync", 1, "the worker sync is hookserve's"),
        ("worker gevent", 1, "the worker gevent is hookserve-gevent's"),
        ("worker http", 1, "the plugin http is hookserve's"),
        ("worker gevent-wsgi", 1, "the worker gevent_wsgi is gunicorn's"),
        ("protocol", 2, "the protocol needs a name (usage: hookserve new KIND NAME"),
        ("protocol Lines", 2, "'Lines' cannot be a protocol's name"),
        ("protocol http", 1, "the plugin http is hookserve's"),
        ("protocol gevent", 1, "the worker gevent is hookserve-gevent's"),
        ("worker there", 1, "cannot make hookserve-there: File exists"),
        ("worker x --directory hookserve-there", 1, "cannot make hookserve-there/hookserve-x: "),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(tmp_path, words, code, expected):
    there = tmp_path / "hookserve-there"
    there.write_text("precious")

    result = hookserve("new", *words.split(), cwd=tmp_path)

    assert result.returncode == code
    assert result.stdout == ""
    assert result.stderr.startswith("hookserve: new: ")
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr
    assert list(tmp_path.iterdir()) == [there]
    assert there.read_text() == "precious"


def test_a_worker_of_another_plugin_is_found_by_the_workers_name(tmp_path):
    installed.install(
        tmp_path,
        "hookserve-other",
        {"other": "other_plugin"},
        {"other_plugin.py": installed.worker_plugin("very_tidy")},
    )

    result = hookserve("new", "worker", "very-tidy", cwd=tmp_path, path=tmp_path)

    assert result.returncode == 1
    assert "the worker very_tidy is hookserve-other's (choose another name" in result.stderr


def test_an_error_says_why_workers_cannot_be_listed(tmp_path):
    installed.install(
        tmp_path,
        "hookserve-other",
        {"other": "other_plugin"},
        {"other_plugin.py": installed.worker_plugin("sync")},
    )

    result = hookserve("new", "worker", "tidy", cwd=tmp_path, path=tmp_path)

    assert result.returncode == 1
    assert "the workers cannot be listed: the worker 'sync' is claimed by" in result.stderr


def test_its_help_is_its_own(tmp_path):
    result = hookserve("new", "--help", cwd=tmp_path)

    assert result.stdout.startswith("usage: hookserve new KIND NAME [--interface wsgi|asgi]")
    assert "Exit codes: 0 " in result.stdout
    assert result.returncode == 0


def test_an_application_that_is_called_new_is_still_served(tmp_path):
    (tmp_path / "new.py").write_text("def application(environ, start_response): ...\n")

    for words in (["new:application"], ["-P", "no:scaffold", "new"]):
        result = hookserve(*words, "--check-config", cwd=tmp_path)

        assert "the application can be loaded" in result.stdout
