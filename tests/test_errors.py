"""Every error has an exit code, and plugins' errors name the plugin."""

import inspect

import pytest

import hookserve
from hookserve import errors

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_an_error_has_an_exit_code_and_is_public(error):
    assert issubclass(error, errors.HookserveError)
    assert error.exit_code in (1, 2, 3, 4)
    assert getattr(hookserve, error.__name__) is error


def test_exit_codes_tell_kinds_of_errors_apart():
    assert errors.ConfigError.exit_code == 1
    assert errors.UsageError.exit_code == 2
    assert errors.AppImportError.exit_code == 3
    assert errors.AppNotFound.exit_code == 4


def test_a_plugin_error_names_the_plugin():
    assert errors.HookError("it raised", "shy").plugin == "shy"
    assert errors.PluginError("two claim it").plugin is None
