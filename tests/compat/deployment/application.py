"""What all applications of the cases do: note what they see, log a line, and respond."""

import json
import logging
import os
import sys

log = logging.getLogger("house")
SEEN = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "SERVER_PROTOCOL",
    "SERVER_NAME",
    "SERVER_PORT",
    "REMOTE_ADDR",
    "wsgi.url_scheme",
    "wsgi.multithread",
    "wsgi.multiprocess",
    "wsgi.run_once",
)


def note(environ):
    """Append what this application sees to the file of the case."""
    entries = {name: environ.get(name) for name in SEEN}
    entries |= {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    entries["process"] = {
        "variables": {name: os.environ[name] for name in os.environ if name.startswith("APP_")},
        "directory": os.getcwd(),
        "umask": _umask(),
        "body": environ["wsgi.input"].read().decode("latin-1"),
    }
    with open(os.environ["COMPAT_SEEN"], "a") as file:
        file.write(json.dumps([os.getpid(), entries], sort_keys=True) + "\n")


def _umask():
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith("Umask:"))


def make(name):
    """A WSGI application that names itself in its response."""

    def application(environ, start_response):
        note(environ)
        log.warning("case: application logs")
        print("case: application prints", file=sys.stderr, flush=True)
        print("case: application writes to wsgi.errors", file=environ["wsgi.errors"])
        body = f"{name} {environ['REQUEST_METHOD']} {environ['PATH_INFO']}\n".encode()
        fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        start_response("200 OK", [*fields, ("X-Case", "a field")])
        return [body]

    return application
