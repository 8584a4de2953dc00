"""The parts of ``make compat``: the corpus, what is compared, the verdicts."""

import dataclasses

import pytest

from tests.compat import corpus, observation, report
from tests.compat.comparison import compare
from tests.compat.corpus import ASPECTS, KINDS, Case
from tests.compat.observation import Observation

CASE = Case("one", "files", differs={"start": "no ASGI"})


def seen(**values):
    usual = {"started": True, "exit_code": 0, "requests": [{"status": "200 OK"}], "workers": 1}
    return Observation(**(usual | values))


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_sixty_cases_of_each_kind_or_more(kind):
    cases = corpus.read(kind)

    assert len(cases) >= 60
    assert all(case.differs.keys() <= set(ASPECTS) for case in cases)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_cases_are_the_same(kind):
    cases = [dataclasses.replace(case, name="", differs={}) for case in corpus.read(kind)]

    assert len({repr(case) for case in cases}) == len(cases)


def test_equal_observations_are_alike():
    assert compare(CASE, seen(), seen(warnings=["a warning"])).word == "alike"


@pytest.mark.parametrize(
    ("change", "aspect"),
    [
        ({"started": False}, "start"),
        ({"requests": [{"status": "500 No"}]}, "requests"),
        ({"workers": 2}, "workers"),
        ({"access_log": {"stdout": ["a line"]}}, "access log"),
        ({"messages": {"stderr": ["a line"]}}, "messages"),
        ({"hooks": ["on_exit"]}, "hooks"),
        ({"files": {"app.sock": "srwxrwxrwx"}}, "files"),
        ({"metrics": ["gunicorn.workers"]}, "metrics"),
        ({"reload": [{"new workers": False}]}, "reload"),
        ({"exit_code": None}, "stop"),
        ({"left": ["app.pid"]}, "left"),
    ],
)
def test_each_aspect_that_differs_fails(change, aspect):
    verdict = compare(CASE, seen(), seen(**change))

    assert verdict.word == "FAILS"
    assert list(verdict.differences) == [aspect]


def test_every_aspect_of_an_observation_is_compared():
    compared = {field.name for field in dataclasses.fields(Observation)} - {"started", "warnings"}

    assert {"exit_code" if name == "stop" else name.replace(" ", "_") for name in ASPECTS} == {
        *compared,
        "start",
    }


def test_a_difference_that_the_server_says_and_the_case_expects_is_no_failure():
    warnings = ["worker X serves no ASGI application"]

    assert compare(CASE, seen(), seen(started=False, warnings=warnings)).word == "differs"
    assert compare(CASE, seen(), seen(started=False, warnings=["something else"])).word == "FAILS"
    assert compare(CASE, seen(), seen(workers=2, warnings=warnings)).word == "FAILS"


def test_hooks_in_another_order_differ():
    verdict = compare(CASE, seen(hooks=["a", "b"]), seen(hooks=["b", "a"]))

    assert verdict.differences == {"hooks": "another order: ['a', 'b'], ['b', 'a']"}


def test_a_difference_shows_what_only_one_of_them_has():
    ours = seen(requests=[{"status": "200 OK", "seen": {"x": 1}}])
    theirs = seen(requests=[{"status": "200 OK", "seen": {"x": 2}}])

    assert compare(CASE, theirs, ours).differences == {
        "requests": "seen: x: gunicorn 2, hookserve 1"
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[28/Nov/2026:18:55:21 +0000] 200", "[01/Jan/2027:00:00:00 +0100] 200"),
        ("200 37 0.001234 1234", "200 37 0.9 7"),
        ("<123> took", "<9> took"),
        ("2026-11-28 18:55:21 +0000 x", "2027-01-01 00:00:00 +0000 x"),
    ],
)
def test_times_and_durations_are_not_compared(one, other):
    assert observation.normalised(one) == observation.normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("200 37", "404 37"), ("200 37", "200 36"), ("- 37", "12 37"), ("took 12", "took 1.2")],
)
def test_statuses_lengths_and_kinds_of_numbers_are_compared(one, other):
    assert observation.normalised(one) != observation.normalised(other)


def test_the_logs_are_told_apart():
    sinks = {
        "stdout": '127.0.0.1 "GET /first HTTP/1.1" 200\ncase: the application prints\n',
        "stderr": "[2026-11-28 18:00:00 +0000] [7] [INFO] case: hook when_ready\n"
        "[2026-11-28 18:00:00 +0000] [7] [DEBUG] GET /first\n"
        "[2026-11-28 18:00:00 +0000] [7] [WARNING] threads is ignored\n",
    }

    assert observation.access_lines(sinks) == {
        "stdout": ['127.0.0.1 "GET /first HTTP/DURATION" 200']
    }
    assert observation.messages(sinks) == {
        "stdout": ["case: the application prints"],
        "stderr": ["[INFO] case: hook when_ready", "the server's own"],
    }
    assert observation.hook_names(sinks) == ["when_ready"]
    assert observation.warnings(sinks) == ["threads is ignored"]


def test_new_files_are_found_with_their_modes(tmp_path):
    (tmp_path / "old").touch()
    (tmp_path / "app.pid").touch(0o640)
    (tmp_path / "app.pid").chmod(0o640)

    assert observation.files_of(tmp_path, {"old"}) == {"app.pid": "-rw-r-----"}


def test_the_report_shows_each_difference_and_the_totals():
    verdicts = [
        compare(CASE, seen(), seen()),
        compare(CASE, seen(), seen(started=False, warnings=["no ASGI here"])),
        compare(CASE, seen(), seen(workers=3, warnings=["some warning"])),
    ]

    assert "    start: no ASGI here" in report.row(verdicts[1])
    assert "    workers: gunicorn 1, hookserve 3" in report.row(verdicts[2])
    assert "    hookserve says: some warning" in report.row(verdicts[2])
    assert report.total(verdicts) == "files: 1 of 3 alike, 1 differ and say so, 1 fail"
