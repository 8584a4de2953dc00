"""Settings of gunicorn's that decide others."""

import pytest

from hookserve.errors import ConfigError
from hookserve.launch.assembly import assemble


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "model", "threads"),
    [
        ("--threads 8", "gthread", 8),
        ("-k sync --threads 8", "gthread", 8),
        ("-k gunicorn.workers.sync.SyncWorker --threads 2", "gthread", 2),
        ("-k gthread --threads 1", "gthread", 1),
        ("--threads 1", "sync", 4),
        ("-k gevent --threads 1", "gevent", 4),
        ("-k gevent --threads 8", "gevent", 8),
        ("-k my.module:Worker --threads 1", "my.module:Worker", 1),
        ("", "sync", 4),
    ],
)
def test_threads_choose_the_worker_as_in_gunicorn(here, line, model, threads):
    config = assemble([*line.split(), "app"], {}).config

    assert (config.worker_class, config.threads) == (model, threads)


def test_the_origin_says_why(here):
    config = assemble(["--threads", "8", "app"], {}).config

    assert config.origin("worker_class") == "threads=8"


def test_one_thread_draws_no_warning(here):
    (here / "gunicorn.conf.py").write_text("threads = 1\nworker_class = 'gevent'")

    assert assemble(["app"], {}).warnings == ()


def test_threads_that_a_model_does_not_have_are_warned_about(here):
    (line,) = assemble(["-k", "gevent", "--threads", "8", "app"], {}).warnings

    assert line.startswith("threads (command line): the worker gevent does not honour it")


def test_settings_of_asgi_are_ours_by_their_names(here):
    (here / "gunicorn.conf.py").write_text(
        "asgi_loop = 'asyncio'\nasgi_lifespan = 'off'\nwebsocket_max_message_size = 9\n"
    )
    config = assemble(["-k", "asgi", "app"], {}).config

    assert (config.loop, config.lifespan, config.websocket_max_size) == ("asyncio", "off", 9)
    assert config.origin("lifespan") == "asgi_lifespan=off"
    line = ["--asgi-lifespan", "on", "--lifespan", "off", "app"]
    assert assemble(line, {}).config.lifespan == "off", "ours is the one that is meant"
    with pytest.raises(ConfigError, match=r"loop \(asgi_loop=trio\): expected one of auto"):
        assemble(["--asgi-loop", "trio", "app"], {})


def test_a_setting_of_asgi_that_asks_for_nothing_changes_nothing(here):
    found = assemble(["-k", "sync", "--asgi-loop", "auto", "--asgi-lifespan", "auto", "app"], {})

    assert found.config.loop == found.config.lifespan == "auto"
    assert found.warnings == ()


INI = "[app:main]\nuse = egg:shop\n"


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["--paste", "shop.ini"], "loadapp('config:{here}/shop.ini', global_conf={{}})"),
        (["--paster", "shop.ini#b"], "loadapp('config:{here}/shop.ini#b', global_conf={{}})"),
        (
            ["--paste", "shop.ini", "--paste-global", "a=1", "--paste-global", r"b\=c=2"],
            "loadapp('config:{here}/shop.ini', global_conf={{'a': '1', 'b=c': '2'}})",
        ),
    ],
)
def test_a_paste_file_names_the_application(here, arguments, call):
    (here / "shop.ini").write_text(INI)

    config = assemble(arguments, {}).config

    assert config.wsgi_app == "paste.deploy:" + call.format(here=here)
    assert config.logconfig is None


def test_a_paste_file_may_configure_the_logs(here):
    (here / "shop.ini").write_text(INI + "[loggers]\nkeys = root\n")

    assert assemble(["--paste", "shop.ini"], {}).config.logconfig == str(here / "shop.ini")


def test_a_paste_file_that_is_not_there_is_one_line(here):
    with pytest.raises(ConfigError, match=r"^paste: there is no file .*/none\.ini$"):
        assemble(["--paste", "none.ini"], {})


def test_without_pastedeploy_the_line_says_what_to_install(here, monkeypatch):
    (here / "app.ini").write_text("[app:main]\n")
    monkeypatch.setattr("hookserve_gunicorn.derivation.find_spec", lambda name: None)

    with pytest.raises(ConfigError, match=r"not installed \(pip install PasteDeploy\)"):
        assemble(["--paste", "app.ini"], {})


@pytest.mark.parametrize(
    ("text", "line", "program", "prefix"),
    [
        ("syslog = True\nsyslog_prefix = 'me'", "app", "gunicorn", "me"),
        ("syslog = True", "shop:app", "gunicorn", "shop.app"),
        ("syslog = True\nproc_name = 'a:b'", "shop:app", "gunicorn", "a.b"),
        ("syslog = True\nwsgi_app = 'shop:app'", "", "gunicorn", "gunicorn"),
        ("workers = 2", "--log-syslog app", "gunicorn", "app"),
        ("syslog = True", "--syslog-program shop app", "shop", None),
        ("", "--log-syslog app", "hookserve", None),
        ("workers = 2", "app", "hookserve", None),
    ],
)
def test_the_program_in_syslog_is_gunicorns_where_the_configuration_is(
    here, text, line, program, prefix
):
    (here / "gunicorn.conf.py").write_text(text)

    config = assemble(line.split(), {}).config

    assert (config.syslog_program, config.syslog_prefix) == (program, prefix)


def test_a_variable_alone_makes_no_program_gunicorns(here):
    config = assemble(["--log-syslog", "app"], {"FORWARDED_ALLOW_IPS": "*"}).config

    assert config.syslog_program == "hookserve"
    config = assemble(["app"], {"GUNICORN_CMD_ARGS": "--log-syslog"}).config
    assert config.syslog_program == "gunicorn"
