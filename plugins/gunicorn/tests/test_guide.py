"""The guide has a row for whatever differs from gunicorn."""

import re
from pathlib import Path

import pytest
from hookserve_gunicorn.classes import MODELS
from hookserve_gunicorn.compat import DEFAULTS
from hookserve_gunicorn.foreign import NOTHING, SETTINGS
from hookserve_gunicorn.objects.arbiter import Arbiter
from hookserve_gunicorn.objects.configuration import Config
from hookserve_gunicorn.objects.log import Log
from hookserve_gunicorn.objects.names import GUNICORN_HOOKS
from hookserve_gunicorn.objects.request import Request, Response
from hookserve_gunicorn.objects.worker import Worker

PAGE = Path(__file__).parents[3] / "docs" / "guide" / "coming-from-gunicorn.md"
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| ")
]
OBJECTS = {
    "`server`": Arbiter,
    "`worker`": Worker,
    "`cfg`": Config,
    "`req`": Request,
    "`resp`": Response,
    "`log`": Log,
}


def names_in(cell):
    return {word for text in re.findall(r"`([^`]+)`", cell) for word in re.findall(r"\w+", text)}


def names_of_rows():
    return {name for cells in ROWS for name in names_in(cells[0])}


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_each_setting_that_is_not_here_has_a_row(name):
    assert name in names_of_rows() or name == "gunicorn_logger"


@pytest.mark.parametrize("setting", [each for each in SETTINGS if each.foreign != NOTHING])
def test_a_setting_with_a_warning_is_not_said_to_be_accepted(setting):
    (row,) = [cells for cells in ROWS if setting.name in names_in(cells[0])]

    assert not row[1].startswith("accepted")


@pytest.mark.parametrize("name", DEFAULTS)
def test_each_other_default_has_a_row(name):
    assert name in names_of_rows()


@pytest.mark.parametrize("name", OBJECTS)
def test_what_an_object_is_said_not_to_have_it_does_not_have(name):
    (row,) = [cells for cells in ROWS if cells[0] == name]
    absent = [each for each in names_in(row[1]) if not each.endswith("_")]

    assert absent
    assert [each for each in absent if hasattr(OBJECTS[name], each)] == []


@pytest.mark.parametrize("name", GUNICORN_HOOKS)
def test_the_hooks_that_may_raise_are_there(name):
    assert name in names_of_rows()


def test_gunicorns_own_workers_are_not_said_to_be_refused():
    refused = {name for cells in ROWS if cells[1:2] and "refused" in cells[1] for name in cells[:1]}

    assert not [name for name in MODELS if any(f"`{name}`" in cell for cell in refused)]
