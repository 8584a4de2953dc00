"""What messages say to do about a plugin at fault: it works from where the user is."""

import pytest
from support import installed
from support.command import hookserve, last_line

SETTINGS = ("greeting", "greeting_fault")
SOURCE = """
from hookserve import Setting, hookimpl
from hookserve.config.values import integer, text

@hookimpl
def settings():
    return [Setting("greeting", 0, integer, "x"), Setting("greeting_fault", "", text, "x")]

@hookimpl
def configured_plugins(config):
    if config.greeting_fault == "own":
        raise ValueError("the fault")
    return [Greeter(config)] if config.greeting_fault == "configured" else []

class Greeter:
    def __init__(self, config): ...

    @hookimpl
    def on_starting(self, server):
        raise ValueError("the fault")
"""
RAISING = """
from hookserve import hookimpl

@hookimpl
def on_starting(server):
    raise ValueError("the fault")
"""
MISSPELT = RAISING.replace("on_starting", "on_starring")


def install(folder, source, settings=()):
    installed.install(
        folder,
        "bad-greeter",
        {"greeter": "greeter_plugin"},
        {"greeter_plugin.py": source},
        settings=dict.fromkeys(settings, "greeter_plugin") or None,
    )


def start(folder, *words, **surroundings):
    """The last line of a server that is not to get as far as its address, which is wrong."""
    words = ["-b", "nowhere.invalid:0", *words, "applications:hello"]
    return last_line(hookserve(*words, path=folder, **surroundings))


@pytest.mark.process
@pytest.mark.parametrize("named", [SETTINGS, ()])
@pytest.mark.parametrize("fault", ["own", "configured"])
def test_a_plugin_with_settings_is_left_out_without_these(tmp_path, fault, named):
    install(tmp_path, SOURCE, named)

    line = start(tmp_path, "--greeting", "1", "--greeting-fault", fault)

    assert "raised in" in line
    assert line.endswith("(mend it, or leave it out with -P no:greeter and without its settings)")
    assert "the fault" not in start(tmp_path, "-P", "no:greeter")


@pytest.mark.process
def test_what_no_setting_turns_on_is_left_out_by_name(tmp_path):
    install(tmp_path, RAISING)

    assert start(tmp_path).endswith("(mend it, or leave it out with -P no:greeter)")
    assert "the fault" not in start(tmp_path, "-P", "no:greeter")


@pytest.mark.process
@pytest.mark.parametrize("asked", ["greeter", "bad-greeter"])
def test_what_each_start_refuses_is_left_out_by_name_though_it_was_asked_for(tmp_path, asked):
    install(tmp_path, MISSPELT)

    assert start(tmp_path, "-P", asked).endswith(", or leave it out with -P no:greeter)")
    assert "on_starring" in start(tmp_path)
    assert "on_starring" not in start(tmp_path, "-P", asked, "-P", "no:greeter")


@pytest.mark.process
def test_what_is_loaded_on_demand_and_was_asked_for_is_not_to_be_asked_for(tmp_path):
    install(tmp_path, "1 / 0", SETTINGS)

    asked = start(tmp_path, "-P", "greeter", "--greeting", "1")
    assert ", or take -P greeter and its settings away)" in asked
    assert start(tmp_path, "--greeting", "1").endswith(", or do without it)")
    assert "ZeroDivisionError" not in start(tmp_path)


@pytest.mark.process
def test_a_module_is_not_to_be_named(tmp_path):
    (tmp_path / "greeter_module.py").write_text(RAISING)

    line = start(tmp_path, "-P", "greeter_module")

    assert line.endswith("(mend it, or take -P greeter_module away)")


@pytest.mark.process
@pytest.mark.parametrize(
    ("place", "variables"),
    [
        ("HOOKSERVE_PLUGINS", {"HOOKSERVE_PLUGINS": "no:prometheus,{name}"}),
        ("HOOKSERVE_CMD_ARGS", {"HOOKSERVE_CMD_ARGS": "-P {name}"}),
        ("hookserve.toml", {}),
    ],
)
def test_what_is_not_named_on_the_command_line_is_to_be_changed_where_it_is(
    tmp_path, place, variables
):
    install(tmp_path, "1 / 0")

    def start_with(name):
        if not variables:
            (tmp_path / "hookserve.toml").write_text(f'plugins = ["{name}"]\n')
        environ = {each: value.format(name=name) for each, value in variables.items()}
        return start(tmp_path, cwd=tmp_path, **environ)

    assert start_with("greeter").endswith(f", or take greeter in {place} away)")
    assert f"plugin 'greter' ({place}) is not installed (did you mean 'greeter'?)" in start_with(
        "greter"
    )
    assert f"plugin 'greter' ({place}) is not installed" in start_with("no:greter")
    assert "(-P" not in start(tmp_path, "-P", "greter", cwd=tmp_path)
