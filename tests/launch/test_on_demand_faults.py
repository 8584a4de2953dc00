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
    with pytest.raises(AttributeError, match="'zebra_count' has a plugin that cannot be loaded"):
        _ = config.zebra_count


def test_one_that_cannot_be_loaded_is_imported_once_however_often_its_default_is_read(folder):
    install_zebra(folder, "import sys\nsys.imports_under_test += 1\n1 / 0")
    config = assemble(["app"], {}).config
    sys.imports_under_test = 0
    try:
        assert [config.get("zebra", 7), config.get("zebra_count", 8), config.get("zebra")]
        assert sys.imports_under_test == 1
    finally:
        del sys.imports_under_test


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


HERD = SOURCE.replace('"how many",', '"how many", ("--herd", "-z"),')


def test_such_a_flag_loads_no_other_plugin(folder):
    """What is wrong with the others, and between them, is not asked for."""
    install_zebra(folder, HERD)
    for name in ("ape", "bee"):
        module, source = f"{name}_under_test", SOURCE.replace("zebra", "shared")
        names = dict.fromkeys(["shared", "shared_count", "shared_names"], module)
        install(folder, f"{name}s", {name: module}, {f"{module}.py": source}, settings=names)
    install(folder, "cats", {"cat": "cat"}, {"cat.py": "1 / 0"}, settings={"cat": "cat"})

    assembly = assemble(["app", "-z4"], {})

    assert [state_of(assembly, each) for each in ("ape", "bee", "cat")] == ["off"] * 3
    assert [state_of(assembly), assembly.config.zebra_count] == ["active", 4]
    assembly.host.refuse_failures(every=True)


def test_a_flag_that_two_have_is_in_conflict(folder):
    install_zebra(folder, HERD)
    other = "other_under_test"
    names = dict.fromkeys(["lion", "lion_count", "lion_names"], other)
    source = HERD.replace("zebra", "lion")
    install(folder, "zoo2", {"lion": other}, {f"{other}.py": source}, settings=names)

    with pytest.raises(ConfigError, match="the flag -z belongs to 'lion_count' and is claimed for"):
        assemble(["app", "-z4"], {})


def test_a_flag_of_one_that_names_its_command_alone_loads_it(folder):
    source = SOURCE + (
        "from hookserve import Command\n"
        "@hookimpl\ndef commands(): return [Command('graze', 'zebra_under_test:graze', 'eats')]\n"
    )
    files = {f"{MODULE}.py": source}
    install(folder, "zoo", {"zebra": MODULE}, files, commands={"graze": MODULE})

    assembly = assemble(["app", "--zebra"], {})

    assert assembly.config.zebra
    assert "declares the setting 'zebra', which [hookserve.settings] of its" in assembly.warnings[0]


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


@pytest.mark.parametrize("source", ["", "1 / 0"])
def test_one_that_only_names_settings_of_another_is_in_no_conflict(folder, source):
    install(folder, "zoo", {"zebra": MODULE}, {f"{MODULE}.py": SOURCE})
    other = {"zebra": "other_under_test", "zebra_count": "other_under_test"}
    files = {"other_under_test.py": source}
    install(folder, "zoo2", {"ape": "other_under_test"}, files, settings=other)

    assembly = assemble(["app", "--zebra"], {})

    assert assembly.config.zebra
    assert state_of(assembly, "ape") == ("failed" if source else "active"), "the log says so"


def test_a_setting_that_is_named_and_not_declared_is_a_warning(folder):
    install_zebra(folder, settings={**NAMES, "zebra-homes": MODULE})

    for words in (["--zebra"], ["--check-config"]):
        (warning,) = assemble(["app", *words], {}).warnings
        assert "does not declare the setting 'zebra-homes', which [hookserve.settings]" in warning
    assert assemble(["app"], {}).warnings == ()


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
