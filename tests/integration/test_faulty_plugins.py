"""A faulty plugin is named in one line, with its hook, what is wrong, and what to do."""

import json

import pytest
from support import installed
from support.command import hookserve, last_line

IMPORTS = (
    "from hookserve import *\n"
    "from hookserve import Command, Setting, WorkerType, hookimpl\n"
    "from hookserve.config.values import integer\n"
)


def install(folder, source, *, name="faulty", value=None, distribution=None):
    module = f"{name}_plugin" if value is None else value.partition(":")[0]
    installed.install(
        folder,
        distribution or f"bad-{name}",
        {name: value or module},
        {f"{module}.py": IMPORTS + source},
    )


FAULTS = {
    "a record instead of a list": (
        "@hookimpl\ndef worker_types(): return WorkerType('a', 'a:A', 'a')\n",
        "plugin 'faulty' returned a wrong value in worker_types: expected a list, each item a"
        " WorkerType, not WorkerType",
    ),
    "bare tuples": (
        "@hookimpl\ndef settings(): return [('shy', 1)]\n",
        "plugin 'faulty' returned a wrong value in settings: expected a Setting as each item, not"
        " tuple ('shy', 1)",
    ),
    "nothing": (
        "@hookimpl\ndef settings(): ...\n",
        "plugin 'faulty' returned a wrong value in settings: expected a list, each item a Setting,"
        " not NoneType",
    ),
    "a wrapper without a result": (
        "@hookimpl(wrapper=True)\ndef settings(): yield\n",
        "plugin 'faulty' returned a wrong value in settings: expected a list of lists, not None",
    ),
    "a name that cannot be an attribute": (
        "@hookimpl\ndef settings(): return [Setting('my-thing', 1, integer, 'mine')]\n",
        "the setting 'my-thing' of plugin 'faulty' (bad-faulty 1.0, entry point faulty ="
        " faulty_plugin) needs a name of lower-case letters, digits and underscores",
    ),
    "a default that is wrong": (
        "@hookimpl\ndef settings(): return [Setting('mine', 'abc', integer, 'mine')]\n",
        "has a default that its kind refuses: 'abc' (ValueError: expected a whole number",
    ),
    "a malformed flag": (
        "@hookimpl\ndef settings(): return [Setting('mine', 1, integer, 'mine', ('mine',))]\n",
        "has a malformed flag 'mine'",
    ),
    "a coroutine": (
        "@hookimpl\nasync def pre_request(): ...\n",
        "failed to load: pre_request is a coroutine function (hooks are plain functions)",
    ),
    "a hook that is misspelt": (
        "@hookimpl\ndef pre_reqest(): ...\n",
        "failed to load: 'pre_reqest' is not a hook (did you mean 'pre_request'?)",
    ),
    "an unknown parameter": (
        "@hookimpl\ndef pre_request(request): ...\n",
        "failed to load: pre_request has a parameter 'request' that the hook lacks (it has:"
        " worker, req, environ)",
    ),
    "a level that is text": (
        "hookserve_api = '1'\n",
        "failed to load: its hookserve_api is '1', a whole number is expected (mend it, or leave",
    ),
    "a command of another plugin": (
        "@hookimpl\ndef commands(): return [Command('new', 'a:a', 'mine')]\n",
        "the command 'new' is claimed by plugin 'scaffold'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_that_names_the_plugin(tmp_path, fault):
    source, message = FAULTS[fault]
    install(tmp_path, source)
    words = ["new"] if "command" in fault else ["--check-config", "applications:hello"]

    result = hookserve(*words, path=tmp_path)

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert "'faulty'" in result.stderr
    assert "-P no:" in result.stderr or "the setting" in result.stderr


@pytest.mark.parametrize("listing", ["--list-plugins", "--explain-hooks", "--list-workers"])
def test_the_listings_work_although_a_plugins_settings_are_wrong(tmp_path, listing):
    install(tmp_path, "@hookimpl\ndef settings(): return [('shy', 1)]\n")

    result = hookserve(listing, "--json", path=tmp_path)

    assert result.returncode == 0
    assert json.loads(result.stdout)
    assert "hookserve: warning: plugin 'faulty' returned a wrong value" in result.stderr


def test_a_kind_that_raises_is_named_with_its_plugin(tmp_path):
    install(
        tmp_path,
        "def kind(value): return 1 if value == 1 else {}[value]\n"
        "@hookimpl\ndef settings(): return [Setting('mine', 1, kind, 'mine')]\n",
    )

    result = hookserve("--print-config", "--mine", "x", path=tmp_path)

    assert result.returncode == 1
    assert "mine (command line): its kind raised KeyError: 'x'" in last_line(result)
    assert "for 'x' (mend the plugin 'faulty')" in last_line(result)


def test_checking_the_configuration_names_plugins_that_failed(tmp_path):
    install(tmp_path, "1 / 0\n")

    result = hookserve("--check-config", "applications:hello", path=tmp_path)

    assert result.returncode == 0
    assert "hookserve: warning: plugin 'faulty' (bad-faulty 1.0" in result.stderr
    assert "ZeroDivisionError" in result.stderr


def test_two_distributions_with_one_name_are_told_apart(tmp_path):
    install(tmp_path, "", name="hooky", distribution="bad-a")
    install(tmp_path / "b", "", name="hooky", distribution="bad-b", value="other_plugin")
    path = f"{tmp_path}:{tmp_path / 'b'}"

    both = hookserve("--check-config", "applications:hello", path=path)
    one = hookserve("--check-config", "-P", "no:bad-b", "applications:hello", path=path)

    assert both.returncode == 1
    assert last_line(both) == (
        "hookserve: plugin 'hooky' (bad-b 1.0, entry point hooky = other_plugin) failed to load:"
        " plugin 'hooky' (bad-a 1.0, entry point hooky = hooky_plugin) has its name"
        " (leave one of them out with -P no:bad-a or -P no:bad-b)"
    )
    assert one.returncode == 0


@pytest.mark.parametrize(
    ("value", "state", "cause"),
    [
        ("faulty_plugin:plugin", "active", ""),
        ("faulty_plugin:group.inner", "active", ""),
        ("faulty_plugin:nothing", "failed", "its module faulty_plugin has no nothing"),
        ("faulty_plugin:Plugin", "failed", "Plugin is a class (name an instance of it)"),
    ],
)
def test_an_entry_point_may_name_an_object(tmp_path, value, state, cause):
    source = (
        "class Plugin:\n    @hookimpl\n    def when_ready(self, server): ...\n"
        "plugin = Plugin()\nclass group: inner = Plugin()\n"
    )
    install(tmp_path, source, value=value)

    rows = json.loads(hookserve("--list-plugins", "--json", path=tmp_path).stdout)

    (row,) = [row for row in rows if row["name"] == "faulty"]
    assert (row["state"], row["cause"]) == (state, cause)
    assert row["hooks"] == (["when_ready"] if state == "active" else [])


def test_a_function_that_lacks_the_mark_is_a_warning(tmp_path):
    install(tmp_path, "def pre_request(worker): ...\n")

    lenient = hookserve("--check-config", "applications:hello", path=tmp_path)
    strict = hookserve("--check-config", "--strict", "applications:hello", path=tmp_path)

    assert lenient.returncode == 0
    assert "its function pre_request is never called (it is not marked" in lenient.stderr
    assert strict.returncode == 1


def test_what_a_plugin_prints_is_no_part_of_a_listing(tmp_path):
    install(tmp_path, "print('hello from the plugin')\n")

    result = hookserve("--list-plugins", "--json", path=tmp_path)

    assert json.loads(result.stdout)
    assert "hello from the plugin" in result.stderr


def test_an_abstract_worker_is_refused_before_the_start(tmp_path):
    install(
        tmp_path,
        "from hookserve.worker.base import Worker\nclass Half(Worker): ...\n"
        "@hookimpl\ndef worker_types():\n"
        "    return [WorkerType('half', 'faulty_plugin:Half', 'half')]\n",
    )

    result = hookserve("--check-config", "-k", "half", "applications:hello", path=tmp_path)

    assert result.returncode == 1
    assert (
        "worker 'half': faulty_plugin:Half is abstract (it does not define drain, run)"
        in result.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["-P", "no:http"], {}, "the protocol 'http' is left out with -P no:http"),
        (
            ["-P", "no:gthread", "-k", "gthread"],
            {},
            "worker 'gthread' is left out with -P no:gthre",
        ),
        (
            ["-P", "no:logging"],
            {},
            "unknown logger 'standard'; installed: none (installed and left out: logging)",
        ),
        (["-P", "no:logging"], {}, "installed and left out: logging"),
        (
            ["-k", "half"],
            {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"},
            "worker 'half' is installed and not loaded (-P half loads it)",
        ),
        (["-k", "zzzzzz"], {}, "unknown worker 'zzzzzz'; installed: "),
        (["--protocol", "zzzzzz"], {}, "unknown protocol 'zzzzzz'; installed: http"),
        (["--logger-class", "zzzzzz"], {}, "unknown logger 'zzzzzz'; installed: "),
        (["-k", "zzzzzz.module:Class"], {}, "is it spelt right, and on the path?"),
        (["--protocol", "zzzzzz:Class"], {}, "is it spelt right, and on the path?"),
        (["--logger-class", "zzzzzz:make"], {}, "is it spelt right, and on the path?"),
        (["-P", "zzzzzz"], {}, "plugin 'zzzzzz' is not installed"),
    ],
)
def test_left_out_is_told_from_not_installed_and_no_package_is_guessed(
    tmp_path, arguments, environ, message
):
    install(tmp_path, installed.worker_plugin("half"), name="half")

    result = hookserve("--check-config", *arguments, "applications:hello", path=tmp_path, **environ)

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert "pip install" not in result.stderr


def test_a_command_that_is_nearly_spelt_is_suggested():
    result = hookserve("nwe", "worker", "spool")

    assert result.returncode == 2
    assert last_line(result) == "hookserve: 'nwe' is not a command (did you mean 'new'?)"


def test_a_hook_that_is_misspelt_in_the_configuration_file_is_a_warning(tmp_path):
    (tmp_path / "hookserve.conf.py").write_text(
        "def pre_reqest(worker, req): ...\ndef helper(): ...\n"
    )
    (tmp_path / "app.py").write_text("def application(environ, start_response): ...\n")

    result = hookserve("--check-config", "app", cwd=tmp_path)

    assert result.returncode == 0
    assert result.stderr == (
        "hookserve: warning: hookserve.conf.py: 'pre_reqest' is not a hook"
        " (did you mean 'pre_request'?)\n"
    )


def test_a_coroutine_in_the_configuration_file_is_refused_with_its_place(tmp_path):
    (tmp_path / "hookserve.conf.py").write_text("async def when_ready(server): ...\n")

    result = hookserve("--check-config", "app", cwd=tmp_path)

    assert result.returncode == 1
    assert last_line(result) == (
        "hookserve: hookserve.conf.py:1: when_ready is a coroutine function"
        " (hooks are plain functions)"
    )
