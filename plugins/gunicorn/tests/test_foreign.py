"""gunicorn's settings that hookserve does not have are accepted, and what is lost is said."""

import pytest
from hookserve_gunicorn.foreign import SETTINGS

from hookserve.config.arguments import Arguments
from hookserve.errors import ConfigError
from hookserve.launch.assembly import assemble, declare_settings, load_plugins

LOSING = {
    "spew": True,
    "control_socket": "/run/gunicorn.ctl",
    "suppress_ragged_eofs": False,
    "http_protocols": "h1,h2",
    "http2_cleartext": True,
    "dirty_apps": ["jobs:App"],
    "dirty_workers": 2,
    "check_config": True,
    "print_config": True,
    "default_proc_name": "shop",
}
"""A value of each setting that asks for what is not here."""
HARMLESS = {
    "worker_tmp_dir": "/dev/shm",
    "tmp_upload_dir": "/tmp",
    "control_socket_disable": True,
    "control_socket_mode": 0o660,
    "ssl_version": 5,
    "do_handshake_on_connect": True,
    "http_parser": "fast",
    "asgi_loop": "uvloop",
    "dirty_timeout": 60,
    "uwsgi_allow_ips": "*",
    "root_path": "/x",
    "on_dirty_starting": print,
}
ASKING_FOR_NOTHING = {
    "spew": False,
    "http_protocols": "h1",
    "http2_cleartext": False,
    "dirty_apps": [],
    "dirty_workers": 0,
    "control_socket": None,
    "suppress_ragged_eofs": True,
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def warnings_of(here, values):
    """What is said about a file; a value that cannot be written down is a module's."""
    lines = [f"{name} = {value!r}" for name, value in values.items() if value is not print]
    lines += [f"{name} = print" for name, value in values.items() if value is print]
    (here / "gunicorn.conf.py").write_text("\n".join(lines))
    return assemble(["app"], {}).warnings


def test_every_row_is_a_setting_that_only_stands_for_one():
    table = declare_settings(load_plugins([], {}))

    assert {each.name for each in SETTINGS} <= set(table.names())
    assert all(each.foreign is not None for each in SETTINGS)


def test_every_row_that_loses_something_is_tried():
    # A distribution of its own has those of statsd.
    assert {each.name for each in SETTINGS if each.foreign} - {"statsd_host"} == set(LOSING)


@pytest.mark.parametrize("name", LOSING)
def test_what_is_lost_is_said_in_one_line(here, name):
    (line,) = warnings_of(here, {name: LOSING[name]})

    assert line.startswith(f"{name} (gunicorn.conf.py): ")


@pytest.mark.parametrize("values", [HARMLESS, ASKING_FOR_NOTHING], ids=["harmless", "nothing"])
def test_where_nothing_is_lost_nothing_is_said(here, values):
    assert warnings_of(here, values) == ()


@pytest.mark.parametrize("name", LOSING)
def test_what_is_lost_is_refused_when_strict(here, name):
    (here / "gunicorn.conf.py").write_text(f"strict = True\n{name} = {LOSING[name]!r}")

    with pytest.raises(ConfigError, match=rf"^{name} \(gunicorn.conf.py\): .*by --strict\)$"):
        assemble(["app"], {})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--worker-tmp-dir /dev/shm --no-control-socket", ()),
        ("--worker-tmp-dir=/dev/shm --control-socket-mode 0660", ()),
        ("--uwsgi-allow-from 10.0.0.1 --asgi-loop uvloop --http-parser fast", ()),
        (
            "-P no:statsd --statsd-host h:1 --statsd-prefix p --dogstatsd-tags a:b",
            ("statsd_host (command line): no metrics are sent (install hookserve-statsd)",),
        ),
        ("--spew --dirty-app a:B --dirty-workers 1", ("spew (", "dirty_apps (", "dirty_workers (")),
    ],
)
def test_a_flag_is_accepted_as_its_setting_is(here, line, message):
    found = assemble([*line.split(), "app"], {}).warnings

    assert len(found) == len(message)
    assert all(map(str.startswith, found, message))


def test_the_help_leaves_them_out():
    from hookserve.config.parser import build_parser

    shown = build_parser(declare_settings(load_plugins([], {}))).format_help()

    assert not [flag for flag in ("--worker-tmp-dir", "--spew", "--no-suppress") if flag in shown]


def test_arguments_with_a_flag_of_gunicorns_are_split_as_any_others(here):
    line = assemble(Arguments(["--worker-tmp-dir", "/dev/shm", "shop:app"]), {}).line

    assert line.application == "shop:app"
    assert line.source.values["worker_tmp_dir"] == "/dev/shm"
