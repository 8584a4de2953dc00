"""Targets are imported by name."""

import pytest

from hookserve.errors import PluginError
from hookserve.plugins.target import load_target


def test_a_target_is_an_attribute_of_a_module():
    import os.path

    assert load_target("os.path:join") is os.path.join


def test_a_missing_attribute_is_a_plugin_error():
    with pytest.raises(PluginError, match=r"the module os\.path has no attribute 'nothing'"):
        load_target("os.path:nothing")


def test_a_missing_module_raises_what_its_import_raises():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        load_target("no_such_module:anything")
