"""What is wrong with a plugin that is loaded on demand, and with what its distribution names."""

import sys

import pytest
from support.installed import install
from support.zebra import MODULE, NAMES, SOURCE, install_zebra

from hookserve.errors import ConfigError, PluginError
from hookserve.launch.assembly import assemble


def state_of(assembly, name="zebra"):
    return assembly.host.record_of(name).state


def is_imported():
    return MODULE in sys.modules


FAULTS = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "needs": ("import nosuchlibrary", "No module named 'nosuchlibrary'"),
    "newer": ("hookserve_api = 99", "it was written for level 99 of the hooks, this is 1"),
    "wrong": (SOURCE + "@hookimpl\ndef when_redy(): ...", "'when_redy' is not a hook"),
    "early": (SOURCE + "@hookimpl\ndef variables(): return []", "variables would not be called"),
    "empty": ("", "does not declare the setting 'zebra', which"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_that_cannot_be_loaded_fails_where_it_is_asked_for(folder, fault):
    source, cause = FAULTS[fault]
    install_zebra(folder, source)
    (folder / "hookserve.conf.py").write_text("")

    assert assemble(["app"], {}).warnings == (), "it is not asked for"
    for words, environ in (["--zebra"], {}), ([], {"HOOKSERVE_ZEBRA": "yes"}):
        with pytest.raises(PluginError) as caught:
            assemble(["app", *words], environ)
        assert "plugin 'zebra' (zoo 1.0, entry point zebra = zebra_under_test)" in str(caught.value)
        assert cause in str(caught.value)
    (folder / "hookserve.conf.py").write_text("zebra = True")
    with pytest.raises(PluginError):
        assemble(["app"], {})


@pytest.mark.parametrize("fault", FAULTS)
def test_the_default_of_one_that_cannot_be_loaded_is_not_known(folder, fault):
    install_zebra(folder, FAULTS[fault][0])
    config = assemble(["app"], {}).config

    assert config.get("zebra_count", 7) == 7
    with pytest.raises(AttributeError, match="'zebra_count' is not a setting"):
        _ = config.zebra_count


def test_a_setting_that_the_distribution_does_not_name_is_a_warning(folder):
    install_zebra(folder, settings={"zebra": MODULE, "zebra_names": MODULE})

    for words in (["--zebra"], ["-P", "zebra"], ["--print-config"]):
        (warning,) = assemble(["app", *words], {}).warnings
        assert "declares the setting 'zebra_count', which [hookserve.settings] of its" in warning
    assert assemble(["app"], {}).warnings == ()
    with pytest.raises(ConfigError, match="HOOKSERVE_ZEBRA_COUNT is not a setting"):
        assemble(["app"], {"HOOKSERVE_ZEBRA_COUNT": "3"})
    assert assemble(["app", "--zebra"], {"HOOKSERVE_ZEBRA_COUNT": "3"}).config.zebra_count == 3
    assert assemble(["app", "--zebra-count", "3"], {}).config.zebra_count == 3


def test_a_flag_that_the_name_does_not_give_loads_it_too(folder):
    source = SOURCE.replace('"how many",', '"how many", ("--herd", "-z"),')
    install_zebra(folder, source)

    assert assemble(["app", "--herd", "3"], {}).config.zebra_count == 3
    assert assemble(["app", "-z4"], {}).config.zebra_count == 4


def test_what_another_setting_implies_loads_it(folder):
    """proxy_protocol is that of another plugin than behind is."""
    config = assemble(["app", "--behind", "nlb"], {}).config

    assert (config.proxy_protocol, config.origin("proxy_protocol")) == ("v2", "behind=nlb")


OTHER = SOURCE.replace("zebra_names", "zebra_homes")


@pytest.mark.parametrize("line", ["--zebra", "--zebra-names x", "--zebra-homes x", "-P zoo2"])
def test_two_that_have_one_setting_are_in_conflict_once_one_is_used(folder, line):
    install_zebra(folder)
    other = "other_under_test"
    names = dict.fromkeys(["zebra", "zebra_count", "zebra_homes"], other)
    install(folder, "zoo2", {"ape": other}, {f"{other}.py": OTHER}, settings=names)

    assert assemble(["app"], {}).warnings == ()
    with pytest.raises(ConfigError, match=r"the setting 'zebra\w*' is declared by (ape|zebra) and"):
        assemble(["app", *line.split()], {})
    assert assemble(["app", "--zebra", "-P", "no:ape"], {}).config.zebra


def test_a_setting_of_one_that_is_loaded_at_each_start_is_in_conflict_always(folder):
    install_zebra(folder)
    other = "other_under_test"
    install(folder, "zoo2", {"ape": other}, {f"{other}.py": OTHER})

    with pytest.raises(ConfigError, match="the setting 'zebra' is declared by ape and by plugin"):
        assemble(["app"], {})


def test_a_setting_of_the_core_may_not_be_named(folder):
    install_zebra(folder, SOURCE.replace("zebra_count", "workers"), {"workers": MODULE, **NAMES})

    with pytest.raises(ConfigError, match="the setting 'workers' is declared by hookserve and by"):
        assemble(["app"], {})


def test_settings_that_are_named_for_what_is_no_plugin_are_a_warning(folder):
    install_zebra(folder, settings=dict.fromkeys(NAMES, "zebra_under_test.settings"))

    assembly = assemble(["app", "--zebra"], {})

    assert state_of(assembly) == "active", "it is loaded at each start"
    assert len(assembly.warnings) == 3
    assert assembly.warnings[0] == (
        "the distribution zoo names 'zebra' in [hookserve.settings] for zebra_under_test.settings,"
        " where it has the plugins zebra_under_test"
    )
    assert assemble(["app", "-P", "no:zebra"], {}).warnings == ()


def test_an_object_of_a_module_is_found_by_its_whole_value(folder):
    source = SOURCE.replace("@hookimpl\ndef ", "@hookimpl\ndef _") + (
        "from types import SimpleNamespace\n"
        "plugin = SimpleNamespace(settings=hookimpl(_settings))\n"
    )
    source = source.replace("@hookimpl\ndef _", "def _")
    value = f"{MODULE}:plugin"
    install_zebra(folder, source, dict.fromkeys(NAMES, value), {"zebra": value})

    assert not is_imported()
    assert assemble(["app", "--zebra"], {}).config.zebra
