"""A configuration of `logging` decides where both logs go."""

import json
import logging
import logging.config

import pytest
from hookserve_logging import custom
from hookserve_logging.accesslog import AccessLog
from hookserve_logging.errorlog import ErrorLog
from hookserve_logging.standard import ACCESS_NAME, make_logger

from hookserve import AccessRecord, ConfigError, hookimpl
from hookserve.launch.assembly import load_plugins
from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask
from hookserve.testing.fakes import configure


class Aliases:
    """A plugin that has other names for the loggers."""

    @hookimpl
    def logger_aliases(self, name):
        return [f"other.{name}"]


OTHERS = ("other.hookserve", "other.hookserve.access")


@pytest.fixture(autouse=True)
def loggers_as_before():
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    for name in ("", "hookserve", "hookserve.access", "other", *OTHERS):
        logger = logging.getLogger(name)
        for handler in logger.handlers[:]:
            if isinstance(handler, logging.FileHandler) and handler not in handlers:
                logger.removeHandler(handler)
                handler.close()
        if name not in ("", "hookserve"):
            logger.__class__ = logging.Logger
            logger.setLevel(logging.NOTSET)
            logger.propagate = True
    root.setLevel(level)
    root.handlers = handlers


@pytest.fixture
def write_to(tmp_path):
    """A table that sends loggers to files of their names below `tmp_path`."""

    def table(*names, **others):
        handler = {"class": "logging.FileHandler", "formatter": "own"}
        found = {
            "version": 1,
            "formatters": {"own": {"format": "%(name)s: %(message)s"}},
            "handlers": {name: {**handler, "filename": str(tmp_path / name)} for name in names},
            "loggers": {name: {"handlers": [name]} for name in names if name != "root"},
        }
        if "root" in names:
            found["root"] = {"handlers": ["root"], "level": "INFO"}
        return {**found, **others}

    return table


def make(**values):
    host = load_plugins([], {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"})
    host.register(Aliases(), "aliases")
    logger = make_logger(configure(values), host)
    logger.install_logs()
    return logger


def log(logger):
    logger.log_access(AccessRecord({"RAW_URI": "/x"}, 200, [], 0, 0.0, 0.0))


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("form", custom.FORMS)
def test_a_configuration_that_names_the_access_log_turns_it_on(form, write_to, tmp_path):
    value = write_to(ACCESS_NAME)
    if form == "logconfig_json":
        (tmp_path / "log.json").write_text(json.dumps(value))
        value = str(tmp_path / "log.json")
    if form == "logconfig":
        (tmp_path / "log.ini").write_text(
            "[loggers]\nkeys=root,access\n[handlers]\nkeys=file\n[formatters]\nkeys=own\n"
            "[logger_root]\nhandlers=\n[logger_access]\nqualname=hookserve.access\nhandlers=file\n"
            f"[handler_file]\nclass=FileHandler\nargs=({str(tmp_path / ACCESS_NAME)!r},)\n"
            "formatter=own\n[formatter_own]\nformat=%(name)s: %(message)s\n"
        )
        value = str(tmp_path / "log.ini")

    log(make(access_log_format="%(s)s", loglevel="error", **{form: value}))

    assert lines(tmp_path / ACCESS_NAME) == ["hookserve.access: 200"]


def test_another_name_of_the_access_log_is_as_good(write_to, tmp_path):
    log(make(access_log_format="%(s)s", logconfig_dict=write_to("other.hookserve.access", "root")))

    assert lines(tmp_path / "other.hookserve.access") == ["other.hookserve.access: 200"]
    assert lines(tmp_path / "root") == []


def test_the_configuration_takes_the_place_of_the_file(write_to, tmp_path):
    value = write_to(ACCESS_NAME)

    log(make(accesslog=str(tmp_path / "file"), access_log_format="%(s)s", logconfig_dict=value))

    assert not (tmp_path / "file").exists()
    assert len(lines(tmp_path / ACCESS_NAME)) == 1


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"loggers": {ACCESS_NAME: {"level": "INFO"}}},
        {"loggers": {ACCESS_NAME: {"handlers": []}}},
        {"loggers": {"hookserve": {"handlers": ["root"], "propagate": False}}},
    ],
)
def test_a_configuration_without_a_handler_for_the_access_log_leaves_it_off(write_to, others):
    logger = make(logconfig_dict=write_to("root", **others))

    assert type(logger) is ErrorLog


def test_a_configuration_may_leave_the_access_log_to_the_root(write_to, tmp_path):
    others = {"loggers": {ACCESS_NAME: {"propagate": True}}}

    log(make(access_log_format="%(s)s", logconfig_dict=write_to("root", **others)))

    assert lines(tmp_path / "root") == ["hookserve.access: 200"]


def test_errors_go_to_the_handlers_of_another_name_alone(write_to, tmp_path):
    value = write_to("other.hookserve", "root")
    value["loggers"]["other.hookserve"]["level"] = "ERROR"
    make(logconfig_dict=value)

    logging.getLogger("hookserve").error("wrong")
    logging.getLogger("hookserve").info("started")

    assert lines(tmp_path / "other.hookserve") == ["hookserve: wrong"]
    assert lines(tmp_path / "root") == []


@pytest.mark.parametrize(
    "loggers",
    [
        {},
        {"shop": {"level": "INFO"}},
        {ACCESS_NAME: {"handlers": ["root"], "propagate": False}},
        {"other.hookserve": {"level": "DEBUG"}},
        {"other.hookserve": {"propagate": False}},
        {"hookserve": {"handlers": []}},
    ],
)
def test_without_a_handler_for_it_the_error_log_stays_where_errorlog_says(
    write_to, tmp_path, loggers
):
    value = write_to("root", loggers=loggers)
    logger = make(errorlog=str(tmp_path / "error"), logconfig_dict=value)

    logging.getLogger("hookserve").info("started")
    logging.getLogger("hookserve").debug("a detail")
    logger.retired()

    found = [line.partition("[INFO] ")[2] for line in lines(tmp_path / "error")]
    is_detailed = loggers.get("other.hookserve", {}).get("level") == "DEBUG"
    assert found == ["started", ""] if is_detailed else ["started"]
    assert lines(tmp_path / "root") == []


@pytest.mark.parametrize("name", ["hookserve", "other.hookserve"])
def test_errors_go_to_the_root_where_their_logger_propagates(write_to, tmp_path, name):
    make(logconfig_dict=write_to("root", loggers={name: {"propagate": True}}))

    logging.getLogger("hookserve").info("started")

    assert lines(tmp_path / "root") == ["hookserve: started"]


@pytest.mark.parametrize(
    ("propagates", "children"),
    [(False, {}), (True, {}), (False, {"other.hookserve": {"propagate": True}})],
)
def test_both_logs_go_to_the_handlers_of_a_parent(write_to, tmp_path, propagates, children):
    value = write_to("other", "root")
    value["loggers"] = {
        "other": {"handlers": ["other"], "level": "INFO", "propagate": propagates},
        **children,
    }
    logger = make(access_log_format="%(s)s", logconfig_dict=value)

    logging.getLogger("hookserve").info("started")
    log(logger)

    expected = ["hookserve: started", "other.hookserve.access: 200"]
    assert lines(tmp_path / "other") == expected
    assert lines(tmp_path / "root") == (expected if propagates else [])


def test_a_file_without_the_servers_loggers_leaves_both_logs_alone(tmp_path):
    (tmp_path / "log").write_text(
        "[loggers]\nkeys = root, shop\n[handlers]\nkeys = file\n[formatters]\nkeys =\n"
        "[logger_root]\nhandlers = file\n[logger_shop]\nqualname = shop\nhandlers =\n"
        "[handler_file]\nclass = FileHandler\nargs = ('%(here)s/root', )\n"
    )
    logger = make(logconfig=str(tmp_path / "log"), errorlog=str(tmp_path / "error"))
    logging.getLogger("hookserve").info("started")
    logger.retired()

    assert type(logger) is ErrorLog
    assert lines(tmp_path / "root") == []
    assert len(lines(tmp_path / "error")) == 1


def test_the_handlers_of_the_error_log_do_not_get_the_lines_of_the_access_log(write_to, tmp_path):
    logger = make(
        access_log_format="%(s)s",
        accesslog=str(tmp_path / "access"),
        logconfig_dict=write_to("hookserve"),
    )
    logger.post_worker_init(None)

    log(logger)
    logger.worker_idle()

    assert lines(tmp_path / "access") == ["200"]
    assert lines(tmp_path / "hookserve") == []
    logger.retired()


def test_a_configuration_of_the_application_does_not_switch_the_access_log_off(write_to, tmp_path):
    logger = make(access_log_format="%(s)s", logconfig_dict=write_to(ACCESS_NAME))
    logging.config.dictConfig({"version": 1})

    log(logger)

    assert lines(tmp_path / ACCESS_NAME) == ["hookserve.access: 200"]


def test_without_a_configuration_the_access_log_does_not_pass_through_logging(tmp_path):
    logger = make(accesslog=str(tmp_path / "log"))

    assert type(logger) is AccessLog
    assert logger.log_access.__globals__["write"] == logger._sink.write
    logger.retired()


@pytest.mark.parametrize("value", [{"version": 2}, {"version": 1, "loggers": 3}])
def test_a_configuration_that_is_wrong_is_refused_when_it_is_applied(value):
    with pytest.raises(ConfigError, match="the logging configuration is wrong"):
        make(logconfig_dict=value)


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@pytest.mark.process
def test_a_server_logs_requests_where_the_configuration_says(write_to, tmp_path):
    (tmp_path / "log.json").write_text(json.dumps(write_to(ACCESS_NAME, "root")))
    settings = {"logconfig_json": str(tmp_path / "log.json"), "access_log_format": "%(r)s"}
    with serve(application, settings=settings) as server:
        assert ask(server.address, "/seen").status == 200

        wait_until(lambda: lines(tmp_path / ACCESS_NAME))
        assert lines(tmp_path / ACCESS_NAME) == ["hookserve.access: GET /seen HTTP/1.1"]
        assert "ready" in server.log
        assert lines(tmp_path / "root") == []


def test_a_table_is_put_on_another(tmp_path, write_to):
    defaults = {**write_to("hookserve.access"), "root": {"level": "ERROR"}}

    logger = make(logconfig_defaults=defaults, logconfig_dict={"root": {"level": "CRITICAL"}})
    log(logger)

    assert len(lines(tmp_path / "hookserve.access")) == 1
    assert logging.getLogger().level == logging.CRITICAL


def test_what_a_table_has_left_out_is_not_referred_to(tmp_path, write_to):
    """gunicorn refuses such a table."""
    defaults = {
        **write_to("root"),
        "formatters": {},
        "loggers": {"hookserve": {"handlers": ["root"]}},
    }

    make(logconfig_defaults=defaults, logconfig_dict={"handlers": {}})
    make(logconfig_defaults=defaults, logconfig_dict={"formatters": {}})

    assert (tmp_path / "root").exists()


def test_a_file_may_name_its_place(tmp_path):
    (tmp_path / "log").write_text(
        "[loggers]\nkeys = root\n[handlers]\nkeys = file\n[formatters]\nkeys =\n"
        "[logger_root]\nhandlers = file\n[handler_file]\nclass = FileHandler\n"
        "args = ('%(here)s/written', )\n"
    )

    make(logconfig=str(tmp_path / "log"))
    logging.getLogger().error("a line")

    assert lines(tmp_path / "written") == ["a line"]
