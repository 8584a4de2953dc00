"""Settings that have no effect are named."""

import re

import pytest
from support.tree import ROOT

from hookserve import Capabilities, Setting, WorkerType, hookimpl
from hookserve.config.resolved import SettingsSource, resolve
from hookserve.config.settings import SettingsTable
from hookserve.config.values import integer, one_of
from hookserve.launch import unhonoured
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.launch.unhonoured import (
    settings_of_models,
    settings_without_effect,
    unhonoured_settings,
)
from hookserve.plugins.selection import choose_worker


class Choosy:
    @hookimpl
    def worker_types(self):
        poor = Capabilities(keepalive=False, sendfile=False)
        return [
            WorkerType("choosy", "hookserve.worker.base:Worker", "of a test", capabilities=poor)
        ]


def not_honoured(chosen, *, is_final=False, **values):
    host = load_plugins([], {})
    host.register(Choosy(), "choosy")
    table = declare_settings(host)
    config = resolve(table, [SettingsSource("hookserve.toml", values)])
    return unhonoured_settings(host, table, config, choose_worker(host, chosen), is_final)


def test_a_setting_of_another_model_is_named():
    assert not_honoured("sync", threads=8) == [
        "threads (hookserve.toml): the worker sync does not honour it (asyncio and gthread would)"
    ]
    assert not_honoured("gthread", threads=8) == []


def test_a_setting_of_a_model_for_another_interface_may_have_an_effect_unless_a_model_is_named():
    assert not_honoured("sync", loop="uvloop") == []
    assert not_honoured("sync", loop="uvloop", worker_class="sync") == [
        "loop (hookserve.toml): the worker sync does not honour it (asyncio would)"
    ]


def test_the_loop_has_no_effect_on_the_model_that_a_tornado_application_has_chosen():
    assert not_honoured("tornado", loop="uvloop", is_final=True) == [
        "loop (hookserve.toml): the worker tornado does not honour it (asyncio would)"
    ]
    assert not_honoured("asyncio", loop="uvloop", is_final=True) == []


def test_a_setting_of_another_model_may_have_an_effect_with_a_second_setting():
    (line,) = not_honoured("gevent", spool_size=1000)

    beginning, _, models = line.partition(" (aio and ")
    assert beginning == "spool_size (hookserve.toml): the worker gevent does not honour it"
    assert models.startswith("asyncio and epoll and gthread and sync ")
    assert line.endswith(" would; buffer_bodies too)")
    assert not_honoured("gevent", spool_size=1000, buffer_bodies=True) == []
    assert not_honoured("epoll", spool_size=1000) == []
    assert not_honoured("sync", spool_size=1000) == []
    assert not_honoured("sync", spool_size=1000, buffer_bodies=True) == []
    assert without_effect(spool_size=1000) == []


def test_bodies_that_are_to_be_streamed_by_a_model_that_cannot_are_named():
    assert not_honoured("epoll", buffer_bodies=False) == [
        "buffer_bodies (hookserve.toml): the worker epoll does not honour it (asyncio and gthread"
        " and sync would)"
    ]
    for model in ("sync", "gthread", "gevent"):
        assert not_honoured(model, buffer_bodies=False) == []
        assert not_honoured(model, buffer_bodies=True) == []
    assert not_honoured("epoll", buffer_bodies=True) == []


def test_what_a_model_cannot_do_is_named_when_it_was_set():
    assert not_honoured("choosy") == []
    assert not_honoured("choosy", keepalive=5, sendfile=True) == [
        "keepalive (hookserve.toml): the worker choosy does not honour it (it closes each"
        " connection)",
        "sendfile (hookserve.toml): the worker choosy does not honour it (it reads and sends)",
    ]


def without_effect(**values):
    host = load_plugins([], {})
    table = declare_settings(host)
    config = resolve(table, [SettingsSource("hookserve.toml", values)])
    return list(settings_without_effect(table, config, settings_of_models(host)))


NEEDS = {
    "max_requests_jitter": (5, {"max_requests": 100}),
    "max_lifetime_jitter": (5, {"max_lifetime": 100}),
    "max_surge": (2, {"reload_strategy": "rolling"}),
    "initgroups": (True, {"user": "nobody"}),
    "enable_stdio_inheritance": (True, {"daemon": True}),
    "ciphers": ("AES", {"tls_minimum_version": "1.2"}),
    "ca_certs": ("ca.pem", {"cert_reqs": "optional"}),
    "proxy_allow_ips": ("10.0.0.1", {"proxy_protocol": "auto"}),
    "memory_measure": ("rss", {"memory_limit": "1G"}),
    "memory_interval": (1, {"memory_limit": "1G"}),
    "adaptive_min": (1, {"adaptive_max": 4}),
    "adaptive_busy": (0.5, {"adaptive_max": 4}),
    "adaptive_idle_time": (1, {"adaptive_max": 4}),
    "adaptive_interval": (1, {"adaptive_max": 4}),
    "access_log_format": ("json", {"accesslog": "-"}),
    "access_log_skip": (["/health"], {"accesslog": "-"}),
    "logconfig_defaults": ({"version": 1}, {"logconfig_dict": {"version": 1}}),
    "capture_output": (True, {"errorlog": "error.log"}),
    "syslog_addr": ("unix:///dev/log", {"syslog": True}),
    "syslog_program": ("gunicorn", {"syslog": True}),
    "syslog_prefix": ("shop", {"syslog": True}),
    "syslog_facility": ("daemon", {"syslog": True}),
    "disable_redirect_access_to_syslog": (True, {"syslog": True}),
    "client_header": ("X-Real-IP", {"forwarded_allow_ips": "*"}),
    "secure_scheme_headers": ({"X-SSL": "on"}, {"forwarded_allow_ips": "*"}),
    "forwarder_headers": (["REMOTE_USER"], {"forwarded_allow_ips": "*"}),
    "proxy_hops": (2, {"client_header": "X-Forwarded-For"}),
    "body_rate": (100, {"body_timeout": 1}),
    "abort_timeout": (5, {"boot_timeout": 100}),
    "health_prefix": ("/health/", {"health": True}),
    "health_min_workers": (2, {"health_bind": "127.0.0.1:8001"}),
    "health_check": (["shop:check"], {"health": True}),
    "health_check_interval": (1, {"health_check": "shop:check", "health": True}),
    "health_check_timeout": (2, {"health_check": "shop:check", "health": True}),
    "statsd_prefix": ("shop", {"statsd_host": "127.0.0.1:8125"}),
    "dogstatsd_tags": ("env:test", {"statsd_host": "127.0.0.1:8125"}),
    "enable_backlog_metric": (True, {"statsd_host": "127.0.0.1:8125"}),
    "otlp_service_name": ("shop", {"otlp_endpoint": "http://127.0.0.1:4318"}),
    "otlp_interval": (30.0, {"otlp_endpoint": "http://127.0.0.1:4318"}),
    "reload_engine": ("poll", {"reload": True}),
    "reload_extra_files": (["*.html"], {"reload": True}),
}
"""For each setting that needs another one: a value, and what gives it its effect."""

MET_BY_DEFAULT = {
    "max_surge": {"reload_strategy": "surge"},
    "ciphers": {"tls_minimum_version": "1.3"},
    "client_header": {"forwarded_allow_ips": ""},
    "secure_scheme_headers": {"forwarded_allow_ips": ""},
    "forwarder_headers": {"forwarded_allow_ips": ""},
    "body_rate": {"body_timeout": 0},
    "abort_timeout": {"timeout": 0},
}

RULES = {
    "keepalive": "test_what_a_model_cannot_do_is_named_when_it_was_set",
    "sendfile": "test_what_a_model_cannot_do_is_named_when_it_was_set",
    "reuse_port": "test_an_option_of_tcp_has_no_effect_on_unix_sockets",
    "defer_accept": "test_an_option_of_tcp_has_no_effect_on_unix_sockets",
    "umask": "test_a_mask_has_no_effect_without_a_unix_socket_that_takes_it",
    "proc_name": "test_a_process_name_needs_the_package",
    "pythonpath": "test_a_path_that_does_not_exist_is_named",
    "logger_class": "test_a_server_without_a_logger_is_named",
    "keyfile": "test_a_setting_without_a_certificate_is_refused",
    "cert_reqs": "test_a_setting_without_a_certificate_is_refused",
    "tls_minimum_version": "test_a_setting_without_a_certificate_is_refused",
    "errorlog": "test_a_configuration_that_serves_the_error_log_takes_its_place",
    "error_log_format": "test_a_configuration_that_serves_the_error_log_takes_its_place",
    "logconfig": "test_one_configuration_of_logging_is_applied",
    "logconfig_json": "test_one_configuration_of_logging_is_applied",
}
"""For each setting that lacks its effect by a rule of its own: the test of that rule."""

ALWAYS = """
    config wsgi_app chdir raw_env plugins plugin_errors strict
    bind backlog workers worker_class worker_connections protocol interface preload_app
    max_requests max_lifetime timeout boot_timeout request_timeout slow_request
    graceful_timeout drain_delay quick_timeout
    header_timeout body_timeout write_timeout linger_timeout
    spool_connection_limit spool_worker_limit
    daemon pidfile user group reload_strategy max_unavailable tick_interval
    limit_request_line limit_request_fields limit_request_field_size limit_request_body
    forwarded_allow_ips behind header_map permit_obsolete_folding strip_header_spaces
    permit_unconventional_http_method permit_unconventional_http_version server_header
    script_name casefold_http_method queue_timeout request_id
    lifespan websocket_max_size websocket_ping_interval websocket_ping_timeout websocket_deflate
    accesslog loglevel logconfig_dict syslog
    certfile proxy_protocol memory_limit adaptive_max statsd_host otlp_endpoint reload
    health health_bind health_agent_bind status prometheus prometheus_client
"""
"""Settings that have an effect whatever the others are, in their plugin's scope."""


def test_every_setting_is_known_to_have_an_effect_or_says_what_it_needs():
    """A new setting goes to one of these: `needs`, a worker model's, a rule, or always."""
    host = load_plugins([], {})
    declared = [each.setting for each in declare_settings(host) if each.setting.foreign is None]
    conditional = {each.name for each in declared if each.needs}
    conditional |= {*RULES, *settings_of_models(host)}
    always = set(ALWAYS.split())

    assert {each.name for each in declared} - conditional - always == set()
    assert conditional & always == set()


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_tested(name):
    pattern = re.compile(rf"def {RULES[name]}\(")
    tests = [*ROOT.glob("tests/launch/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")]

    (text,) = [text for path in tests if pattern.search(text := path.read_text())]

    assert f'"{name}"' in text or f"{name}=" in text


def test_every_setting_that_needs_another_is_tried():
    host = load_plugins([], {})
    declared = {each.setting.name for each in declare_settings(host) if each.setting.needs}

    assert declared - set(settings_of_models(host)) == set(NEEDS)


@pytest.mark.parametrize("name", NEEDS)
def test_a_setting_that_needs_another_is_named_without_it(name):
    value, given = NEEDS[name]

    lines = without_effect(**{name: value}, **MET_BY_DEFAULT.get(name, {}))

    assert any(line.startswith(f"{name} (hookserve.toml): it has no effect wi") for line in lines)
    assert without_effect(**{name: value}, **given) == []


def test_a_value_that_switches_off_needs_nothing():
    assert without_effect(max_requests_jitter=0, initgroups=False) == []


def test_a_need_may_be_a_value_and_one_of_several_is_enough():
    table = SettingsTable()
    table.add(Setting("shy", 0, integer, "shy", needs=("daemon", "protocol=quiet")), "hooky")

    def lines(**values):
        config = resolve(table, [SettingsSource("here", {"shy": 3, **values})])
        return list(settings_without_effect(table, config))

    assert lines() == ["shy (here): it has no effect without daemon or protocol=quiet"]
    assert lines(protocol="loud") != []
    assert lines(protocol="quiet") == []
    assert lines(daemon=True) == []


def test_a_need_may_be_any_value_but_one():
    table = SettingsTable()
    table.add(Setting("shy", 0, integer, "shy", needs=("protocol!=http",)), "hooky")

    def lines(**values):
        config = resolve(table, [SettingsSource("here", {"shy": 3, **values})])
        return list(settings_without_effect(table, config))

    assert lines() == ["shy (here): it has no effect without protocol!=http"]
    assert lines(protocol="quiet") == []


def test_a_value_that_another_setting_implies_is_not_named():
    table = SettingsTable()
    implied = {"yes": {"initgroups": True}}
    table.add(Setting("kind", "no", one_of("yes", "no"), "kind", implies=implied), "hooky")
    config = resolve(table, [SettingsSource("here", {"kind": "yes"})])

    assert config.initgroups
    assert list(settings_without_effect(table, config)) == []


@pytest.mark.parametrize("name", ["reuse_port", "defer_accept"])
def test_an_option_of_tcp_has_no_effect_on_unix_sockets(name):
    (line,) = without_effect(bind=["unix:/run/a"], **{name: True})

    assert line == f"{name} (hookserve.toml): it has no effect on unix sockets"
    assert without_effect(bind=["unix:/run/a", ":80"], **{name: True}) == []


@pytest.mark.parametrize("bind", [[":80"], ["unix:@shop", ":80"], ["unix:/run/a?mode=0660"]])
def test_a_mask_has_no_effect_without_a_unix_socket_that_takes_it(bind):
    (line,) = without_effect(bind=bind, umask="077")

    assert line == (
        "umask (hookserve.toml): it has no effect without a unix socket that takes its mode from it"
    )
    assert without_effect(bind=[*bind, "unix:/run/b"], umask="077") == []
    assert without_effect(bind=bind, umask="0") == []


def test_a_buffer_for_bodies_that_are_streamed_is_named():
    for model in ("sync", "gthread"):
        assert not_honoured(model, buffer_bodies=False, spool_size=100) == [
            f"spool_size (hookserve.toml): the worker {model} does not honour it (with"
            " buffer_bodies it would)"
        ]
        assert not_honoured(model, buffer_bodies=True, spool_size=100) == []


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_process_name_needs_the_package(monkeypatch, is_installed):
    monkeypatch.setattr(unhonoured, "_can_set_titles", lambda: is_installed)

    lines = without_effect(proc_name="shop")

    assert len(lines) == (0 if is_installed else 1)
    assert all("pip install 'hookserve[title]'" in line for line in lines)


def test_a_path_that_does_not_exist_is_named(tmp_path):
    lines = without_effect(pythonpath=[str(tmp_path), "/nosuch/path"])

    assert lines == ["pythonpath (hookserve.toml): /nosuch/path does not exist"]


def test_a_server_without_a_logger_is_named():
    assert without_effect(logger_class=[]) == [
        "logger_class (hookserve.toml): without a logger nothing is logged"
    ]
