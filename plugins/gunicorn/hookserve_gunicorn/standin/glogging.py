"""Stands in for ``gunicorn.glogging``: the base of logger classes that are written for gunicorn.

The methods, their arguments and the class attributes are those that such classes override or call.
"""

from __future__ import annotations

import json
import logging
import logging.config
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from datetime import timedelta
from logging.handlers import SysLogHandler
from typing import Any, ClassVar

from hookserve_gunicorn.syslog import make_handler, parse_syslog_address

__all__ = [
    "CONFIG_DEFAULTS",
    "SYSLOG_FACILITIES",
    "Logger",
    "SafeAtoms",
    "loggers",
    "parse_syslog_address",
]

SYSLOG_FACILITIES = SysLogHandler.facility_names

CONFIG_DEFAULTS: dict[str, Any] = {  # Any: as of logging.config.dictConfig
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {
        name: {"level": "INFO", "handlers": [handler], "propagate": True, "qualname": name}
        for name, handler in (("gunicorn.error", "error_console"), ("gunicorn.access", "console"))
    },
    "handlers": {
        name: {"class": "logging.StreamHandler", "formatter": "generic", "stream": stream}
        for name, stream in (("console", "ext://sys.stdout"), ("error_console", "ext://sys.stderr"))
    },
    "formatters": {
        "generic": {
            "format": "%(asctime)s [%(process)d] [%(levelname)s] %(message)s",
            "datefmt": "[%Y-%m-%d %H:%M:%S %z]",
            "class": "logging.Formatter",
        }
    },
}
"""What a logging configuration is put on top of."""


_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f"\\]')


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if found[0] in '"\\' else f"\\x{ord(found[0]):02x}"


class SafeAtoms(dict[str, Any]):  # Any: text and numbers
    """The fields of a line; a client's text cannot end it, and what is missing is ``-``."""

    def __init__(self, atoms: Mapping[str, Any]) -> None:
        super().__init__()
        for name, value in atoms.items():
            if isinstance(value, str):
                value = _UNSAFE.sub(_escaped, value)
            self[name] = value

    def __getitem__(self, name: str) -> Any:  # Any: as above
        if name.startswith("{"):
            name = name.lower()
        return super().__getitem__(name) if name in self else "-"


class Logger:
    """The error log and the access log."""

    LOG_LEVELS: ClassVar[dict[str, int]] = {
        name: getattr(logging, name.upper())
        for name in ("critical", "error", "warning", "info", "debug")
    }
    loglevel = logging.INFO
    error_fmt = r"%(asctime)s [%(process)d] [%(levelname)s] %(message)s"
    datefmt = r"[%Y-%m-%d %H:%M:%S %z]"
    access_fmt = "%(message)s"
    syslog_fmt = "[%(process)d] %(message)s"
    atoms_wrapper_class = SafeAtoms

    def __init__(self, cfg: Any) -> None:  # Any: `objects.configuration.Config`
        self.error_log = logging.getLogger("gunicorn.error")
        self.error_log.propagate = False
        self.access_log = logging.getLogger("gunicorn.access")
        self.access_log.propagate = False
        self.error_handlers: list[logging.Handler] = []
        self.access_handlers: list[logging.Handler] = []
        self.logfile: Any = None  # Any: a text file
        self.lock = threading.Lock()
        self.cfg = cfg
        self.setup(cfg)

    def setup(self, cfg: Any) -> None:  # Any: as above
        """Set both logs up as the configuration says."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(str(cfg.loglevel).lower(), logging.INFO)
        self.error_log.setLevel(self.loglevel)
        self.access_log.setLevel(logging.INFO)
        self._capture_output()
        for log in (self.error_log, self.access_log):
            _take_off(log, SysLogHandler)
        self._set_handler(
            self.error_log, cfg.errorlog, logging.Formatter(self.error_fmt, self.datefmt)
        )
        formatter = logging.Formatter(self.access_fmt)
        self._set_handler(self.access_log, cfg.accesslog, formatter, stream=sys.stdout)
        if cfg.syslog:
            self._set_syslog_handler(self.error_log, cfg, self.syslog_fmt, "error")
            if not cfg.disable_redirect_access_to_syslog:
                self._set_syslog_handler(self.access_log, cfg, self.syslog_fmt, "access")
        if cfg.logconfig_dict:
            logging.config.dictConfig({**CONFIG_DEFAULTS, **cfg.logconfig_dict})
        elif cfg.logconfig_json:
            with open(cfg.logconfig_json) as file:
                logging.config.dictConfig({**CONFIG_DEFAULTS, **json.load(file)})
        elif cfg.logconfig:
            here = os.path.dirname(cfg.logconfig)
            defaults = {"__file__": cfg.logconfig, "here": here}
            logging.config.fileConfig(cfg.logconfig, defaults, disable_existing_loggers=False)

    def _get_gunicorn_handler(self, log: logging.Logger) -> logging.Handler | None:
        """The first handler of the log that a `Logger` has put on it."""
        return next((each for each in log.handlers if getattr(each, "_gunicorn", False)), None)

    # The error log.

    def critical(self, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as of logging
        """Log an error that ends something."""
        self.error_log.critical(msg, *args, **kwargs)

    def error(self, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as of logging
        """Log an error."""
        self.error_log.error(msg, *args, **kwargs)

    def warning(self, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as of logging
        """Log a warning."""
        self.error_log.warning(msg, *args, **kwargs)

    def info(self, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as of logging
        """Log a message."""
        self.error_log.info(msg, *args, **kwargs)

    def debug(self, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as of logging
        """Log a detail."""
        self.error_log.debug(msg, *args, **kwargs)

    def exception(self, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as of logging
        """Log an error with the exception being handled."""
        self.error_log.exception(msg, *args, **kwargs)

    def log(self, lvl: int | str, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as above
        """Log at that level."""
        level = self.LOG_LEVELS.get(lvl.lower(), logging.INFO) if isinstance(lvl, str) else lvl
        self.error_log.log(level, msg, *args, **kwargs)

    # The access log.

    def atoms(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta
    ) -> dict[str, Any]:  # Any: gunicorn's objects, text and numbers
        """The fields of a line by the letters of the format."""
        microseconds = request_time.seconds * 1000000 + request_time.microseconds
        words = (environ.get(key, "-") for key in ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL"))
        found = {
            "h": environ.get("REMOTE_ADDR", "-"),
            "l": "-",
            "u": self._get_user(environ) or "-",
            "t": self.now(),
            "r": " ".join(words),
            "s": str(resp.status).split(None, 1)[0] if resp.status else "-",
            "m": environ.get("REQUEST_METHOD"),
            "U": environ.get("PATH_INFO"),
            "q": environ.get("QUERY_STRING"),
            "H": environ.get("SERVER_PROTOCOL"),
            "b": str(resp.sent) if resp.sent is not None else "-",
            "B": resp.sent,
            "f": environ.get("HTTP_REFERER", "-"),
            "a": environ.get("HTTP_USER_AGENT", "-"),
            "T": request_time.seconds,
            "M": microseconds // 1000,
            "D": microseconds,
            "L": f"{request_time.seconds}.{request_time.microseconds:06}",
            "p": f"<{os.getpid()}>",
        }
        headers: Iterable[tuple[str, str]] = req.headers
        found.update({f"{{{name.lower()}}}i": value for name, value in headers})
        found.update({f"{{{name.lower()}}}o": value for name, value in resp.headers})
        found.update({f"{{{name.lower()}}}e": value for name, value in environ.items()})
        return found

    @property
    def access_log_enabled(self) -> bool:
        """Whether requests are logged."""
        cfg = self.cfg
        return bool(
            cfg.accesslog
            or cfg.logconfig
            or cfg.logconfig_dict
            or cfg.logconfig_json
            or (cfg.syslog and not cfg.disable_redirect_access_to_syslog)
        )

    def access(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta
    ) -> None:  # Any: gunicorn's objects
        """Log a request that is over."""
        if not self.access_log_enabled:
            return
        atoms = self.atoms_wrapper_class(self.atoms(resp, req, environ, request_time))
        try:
            self.access_log.info(self.cfg.access_log_format, atoms)
        except Exception:  # of a format or a handler that is not ours
            self.error(traceback.format_exc())

    def now(self) -> str:
        """The time of day in the form of the access log."""
        return time.strftime("[%d/%b/%Y:%H:%M:%S %z]")

    def reopen_files(self) -> None:
        """Open the files of all handlers again."""
        self._capture_output()
        for log in (self.error_log, self.access_log, logging.getLogger()):
            for handler in log.handlers:
                if isinstance(handler, logging.FileHandler):
                    handler.close()  # the next record opens it

    def _capture_output(self) -> None:
        """Send standard output and standard error to the file of the error log, if asked for."""
        if not self.cfg.capture_output or self.cfg.errorlog in (None, "-"):
            return
        with self.lock, open(self.cfg.errorlog, "a+") as self.logfile:
            for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
                stream.flush()
                os.dup2(self.logfile.fileno(), number)

    def close_on_exec(self) -> None:
        """Nothing: no descriptor is inherited by an executed program."""

    def _set_handler(
        self, log: logging.Logger, output: str | None, fmt: logging.Formatter, stream: Any = None
    ) -> None:  # Any: a text stream
        """Put the handler for `output`, if any, on the log in the place of the one before it."""
        _take_off(log, logging.StreamHandler)
        if output is None:
            return
        made: Any = logging.StreamHandler(stream) if output == "-" else logging.FileHandler(output)
        made.setFormatter(fmt)
        made._gunicorn = True  # as gunicorn marks its own
        log.addHandler(made)

    def _set_syslog_handler(
        self, log: logging.Logger, cfg: Any, fmt: str, name: str
    ) -> None:  # Any: as above
        """Put a handler that sends to syslog on the log."""
        made: Any = make_handler(cfg, fmt, name)
        made._gunicorn = True
        log.addHandler(made)

    def _get_user(self, environ: Mapping[str, Any]) -> str | None:  # Any: PEP 3333
        """The user of basic authentication (RFC 7617), unverified."""
        import base64

        scheme, _, credentials = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            return base64.b64decode(credentials.strip()).decode("utf-8").partition(":")[0]
        except ValueError:
            return None


def _take_off(log: logging.Logger, kind: type[logging.Handler]) -> None:
    """Close the log's handlers of that kind that a `Logger` has put on it."""
    for handler in log.handlers[:]:
        if isinstance(handler, kind) and getattr(handler, "_gunicorn", False):
            log.removeHandler(handler)
            handler.close()


def loggers() -> list[logging.Logger]:
    """The root logger, and all others that there are."""
    root = logging.getLogger()
    return [root, *map(logging.getLogger, root.manager.loggerDict)]
