"""Functions of a configuration file become hooks."""

import functools
import inspect
import sys
import types

import pytest
from hookserve_confhooks import file_plugins
from hookserve_confhooks.adapter import adapt

from hookserve import ConfigError, hookimpl
from hookserve.hookspecs import AssemblyHooks, Hooks
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost


def module_of(source, **names):
    module = types.ModuleType("conf")
    module.__file__ = "conf.py"
    exec(compile(source, "conf.py", "exec"), module.__dict__)
    vars(module).update(names)
    return module


def host_of(module):
    host = PluginHost()
    for plugin in file_plugins(module, host):
        host.register(plugin, "conf.py")
    return host


def keep(name, function, parameters):
    """Replaces no function."""


def test_a_file_without_hooks_makes_no_plugin():
    assert file_plugins(module_of("bind = ':80'\ndef helper(): ...\n"), PluginHost()) == []


@pytest.mark.parametrize(
    "signature", ["server, worker", "arbiter, w", "worker, server=None", "*arguments"]
)
def test_arguments_are_given_by_name_or_by_position(signature):
    module = module_of(f"calls = []\ndef pre_fork({signature}): calls.append(locals())\n")
    host = host_of(module)

    calling.notify(host.hook.pre_fork, server="S", worker="W")

    (given,) = module.calls
    values = given.get("arguments") or tuple(given.values())
    assert values == (("W", "S") if signature.startswith("worker") else ("S", "W"))


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("w, r", ["W", "R"]),
        ("w, r, e", ["W", "R", "E"]),
        ("w, r, e, s", ["W", "R", "E", "S"]),
        ("resp", ["S"]),
    ],
)
def test_post_request_takes_two_arguments_or_more(signature, expected):
    module = module_of(f"calls = []\ndef post_request({signature}): calls.append(locals())\n")
    host = host_of(module)

    for function in calling.freeze(host.hook.post_request):
        function("W", "R", "E", "S")

    assert list(module.calls[0].values()) == expected


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("w, r", ["W", "R"]),
        ("worker, request", ["W", "R"]),
        ("_, req", ["W", "R"]),
        ("w, r, e", ["W", "R", "E"]),
        ("w, r, e=None", ["W", "R", None]),
        ("w=None, r=None, e=None", ["W", "R", None]),
        ("req", ["R"]),
    ],
)
def test_pre_request_takes_two_arguments_or_three(signature, expected):
    module = module_of(f"calls = []\ndef pre_request({signature}): calls.append(locals())\n")
    host = host_of(module)

    for function in calling.freeze(host.hook.pre_request):
        function("W", "R", "E")

    assert list(module.calls[0].values()) == expected


class _WithMethods:
    def __init__(self):
        self.calls = []

    def __call__(self, w, r):
        self.calls.append((w, r))

    def method(self, w, r):
        self.calls.append((w, r))


@pytest.mark.parametrize("kind", ["object", "method", "partial", "any number"])
def test_pre_request_may_be_any_callable(kind):
    made = _WithMethods()
    found = {
        "object": made,
        "method": made.method,
        "partial": functools.partial(lambda tag, w, r: made(w, r), "tag"),
        "any number": functools.partial(lambda *given: made(*given[:2])),
    }
    host = host_of(module_of("", pre_request=found[kind]))

    for function in calling.freeze(host.hook.pre_request):
        function("W", "R", "E")

    assert made.calls == [("W", "R")]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("on_starting", 1),
        ("on_reload", 1),
        ("when_ready", 1),
        ("pre_fork", 2),
        ("post_fork", 2),
        ("post_worker_init", 1),
        ("worker_int", 1),
        ("worker_abort", 1),
        ("pre_exec", 1),
        ("pre_request", 2),
        ("post_request", 2),
        ("post_request", 3),
        ("post_request", 4),
        ("child_exit", 2),
        ("worker_exit", 2),
        ("nworkers_changed", 3),
        ("on_exit", 1),
    ],
)
def test_as_many_parameters_as_in_gunicorn_are_taken_whatever_their_names(name, parameters):
    names = ", ".join(f"a{number}" for number in range(parameters))

    plugin = adapt(module_of(f"def {name}({names}): ...\n"), keep)

    assert hasattr(plugin, name)


def test_a_wrong_number_of_parameters_is_an_error_with_its_place():
    module = module_of("\n\ndef child_exit(a, b, c, d): ...\n")

    with pytest.raises(ConfigError) as caught:
        adapt(module, keep)

    assert str(caught.value) == (
        "conf.py:3: child_exit takes 4 parameters, expected child_exit(server, worker)"
    )


def test_a_marked_hook_is_taken_as_it_is():
    calls = []

    @hookimpl(tryfirst=True)
    def when_ready(server):
        calls.append(server)

    host = host_of(module_of("", when_ready=when_ready))

    calling.notify(host.hook.when_ready, server="S")

    assert calls == ["S"]
    assert host.hook.when_ready.get_hookimpls()[0].tryfirst


def test_any_callable_may_be_a_hook():
    calls = []

    class Observer:
        def __call__(self, server):
            calls.append(("object", server))

    module = module_of(
        "",
        when_ready=Observer(),
        on_exit=functools.partial(lambda tag, server: calls.append((tag, server)), "partial"),
    )
    host = host_of(module)

    calling.notify(host.hook.when_ready, server="S")
    calling.notify(host.hook.on_exit, server="S")

    assert calls == [("object", "S"), ("partial", "S")]


def test_a_collected_hooks_name_is_the_files_own_unless_marked():
    assert adapt(module_of("def settings(): return 5\ncommands = list\n"), keep) is None


@pytest.mark.parametrize("name", [name for name in vars(AssemblyHooks) if name[0] != "_"])
def test_every_collected_hook_counts_only_when_it_is_marked(name):
    unmarked = module_of(f"def {name}(*anything): return 5\n")
    marked = module_of("", **{name: hookimpl(lambda: [])})

    assert adapt(unmarked, keep) is None
    assert hasattr(adapt(marked, keep), name)


HOOKS = [
    name for name in dir(Hooks) if not name.startswith("_") and name not in vars(AssemblyHooks)
]


@pytest.mark.parametrize("name", HOOKS)
def test_a_function_by_position_gets_what_calling_it_directly_would_give_it(name):
    given = tuple(inspect.signature(getattr(Hooks, name)).parameters)[1:]
    order = [each for each in given if each != "reason"]
    foreign = ", ".join(f"a{number}" for number in range(len(order)))
    for signature, expected in [
        (foreign, order),
        (f"{foreign}, extra=None" if foreign else "extra=None", order),
        ("*rest", [tuple(order)]),
        (", ".join(reversed(given)), list(reversed(given))),
        (", ".join(given[:1]), list(given[:1])),
    ]:
        module = module_of(f"calls = []\ndef {name}({signature}): calls.append(locals())\n")
        host = host_of(module)

        calling.fire(getattr(host.hook, name), **{each: each for each in given})

        (found,) = module.calls
        assert [value for value in found.values() if value is not None] == expected, signature


@pytest.mark.parametrize("reference", ["shop_hooks.forked", "shop_hooks:forked"])
def test_a_string_names_a_function_of_a_module(monkeypatch, reference):
    calls = []
    hooks = types.ModuleType("shop_hooks")
    hooks.forked = lambda server, worker: calls.append((server, worker))
    monkeypatch.setitem(sys.modules, "shop_hooks", hooks)
    host = host_of(module_of(f"pre_fork = {reference!r}"))

    calling.notify(host.hook.pre_fork, server="S", worker="W")

    assert calls == [("S", "W")]


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("nosuchmodule.forked", "ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("os.nosuchfunction", "AttributeError: "),
        ("os.environ", "which is not a function"),
    ],
)
def test_a_string_that_names_no_function_is_refused(reference, reason):
    with pytest.raises(ConfigError) as caught:
        adapt(module_of(f"pre_fork = {reference!r}"), keep)

    assert str(caught.value).startswith(f"conf.py: pre_fork names {reference}")
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", ["reloaded = 'yes'", "settings = 'shop.settings'"])
def test_a_string_of_the_files_own_is_left_alone(text):
    assert adapt(module_of(text), keep) is None


@pytest.mark.parametrize("mark", ["hooks.pre_fork", "hookimpl(specname='pre_fork')"])
@pytest.mark.parametrize("name", ["note_it", "pre_fork"])
def test_a_function_that_is_marked_for_a_hook_may_have_any_name(mark, name):
    module = module_of(
        f"from hookserve import hookimpl, hooks\ncalls = []\n@{mark}\n"
        f"def {name}(worker): calls.append(worker)\n"
    )

    calling.notify(host_of(module).hook.pre_fork, server="S", worker="W")

    assert module.calls == ["W"]
