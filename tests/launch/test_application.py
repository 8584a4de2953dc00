"""Finding the application."""

import sys

import pytest

from hookserve.errors import AppImportError, AppNotFound
from hookserve.launch.application import load_app

SOURCE = """
def application(environ, start_response): ...
class group:
    @staticmethod
    def inner(environ, start_response): ...
def make(name, debug=False):
    def app(environ, start_response): ...
    app.made_of = (name, debug)
    return app
number = 5
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "shop_under_test.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "shop_under_test"
    sys.modules.pop("shop_under_test", None)


def test_the_attribute_is_application_unless_named(module):
    assert load_app(module) is load_app(f"{module}:application")


def test_an_attribute_may_be_dotted(module):
    assert load_app(f"{module}:group.inner").__name__ == "inner"


def test_a_factory_is_called_with_its_literals(module):
    assert load_app(f"{module}:make('x', debug=True)").made_of == ("x", True)


@pytest.mark.parametrize(
    "expression", ["make(open('x'))", "make(", "a b", "make('x').other", "1", "number"]
)
def test_what_is_not_an_application_is_refused(module, expression):
    with pytest.raises(AppNotFound):
        load_app(f"{module}:{expression}")


def test_a_nearly_right_name_is_suggested(module):
    with pytest.raises(AppNotFound, match="did you mean 'application'"):
        load_app(f"{module}:aplication")


def test_for_an_unlike_name_the_candidates_are_listed(module):
    with pytest.raises(AppNotFound, match=r"it has application, make: name one as MODULE:NAME"):
        load_app(f"{module}:wsgi")


def test_for_a_module_without_callables_the_definition_is_shown(tmp_path, monkeypatch):
    (tmp_path / "bare_under_test.py").write_text("from json import dumps\nnumber = 5\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(AppNotFound, match=r"define application\(environ, start_response\) there"):
        load_app("bare_under_test")


def test_a_missing_module_is_not_a_missing_dependency(tmp_path, monkeypatch):
    (tmp_path / "needs_something.py").write_text("import something_absent")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(AppNotFound, match="there is no module absent_application"):
        load_app("absent_application")
    with pytest.raises(AppImportError, match="No module named 'something_absent'"):
        load_app("needs_something")


def test_a_failure_is_shown_from_the_applications_first_line_on(tmp_path, monkeypatch):
    (tmp_path / "failing_application.py").write_text("def make():\n    1 / 0\nmake()\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(AppImportError) as caught:
        load_app("failing_application")

    text = str(caught.value)
    assert text.endswith("ZeroDivisionError: division by zero")
    assert "importlib" not in text
    assert "failing_application.py" in text


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("./app.py", "'./app.py' is a path, not a module (name the module: app)"),
        ("./app.py:make()", "'./app.py' is a path, not a module (name the module: app:make())"),
        ("app.py:app", "'app.py' is a path, not a module (name the module: app:app)"),
        ("web/app.py:app", "(name the module: --chdir web app:app)"),
        ("/srv/web/app:app", "(name the module: --chdir /srv/web app:app)"),
        ("../app.py", "(name the module: --chdir .. app)"),
        (":app", "':app' names no module (module:attribute, for example app:application)"),
        ("", "'' names no module"),
        (".app:app", "'.app:app' names no module"),
        ("a..b", "'a..b' names no module"),
        ("app.:x", "'app.:x' names no module"),
    ],
)
def test_a_path_or_nothing_instead_of_a_module_is_refused_with_the_remedy(specification, message):
    with pytest.raises(AppNotFound) as caught:
        load_app(specification)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
