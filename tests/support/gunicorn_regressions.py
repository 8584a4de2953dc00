"""The application of `test_gunicorn_regressions_http`: wrong on purpose, and what it got."""

import os

LENGTHS = {"plus": "+3", "minus": "-1", "underscore": "1_0", "empty": ""}


def application(environ, start_response):
    _, name, argument = (environ["PATH_INFO"] + "/").split("/", 2)
    argument = argument.rstrip("/")
    if name == "short":
        start_response("200 OK", [("Content-Length", "1000")])
        return [b"short"] if argument == "list" else iter([b"short"])
    if name == "length":
        start_response("200 OK", [("Content-Length", LENGTHS[argument])])
        return [b"abc"]
    if name == "lengths":
        start_response("200 OK", [("Content-Length", "3"), ("Content-length", "3")])
        return [b"abc"]
    if name == "silent":
        return {"list": [b"abc"], "empty": [], "generator": iter([b"abc"])}[argument]
    if name == "file":
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](open(os.environ["SERVED_FILE"], "rb"))
    if name == "read":
        environ["wsgi.input"].read()
    fields = ("SCRIPT_NAME", "PATH_INFO", "HTTP_COOKIE", "HTTP_HOST")
    start_response("200 OK", [("Content-Type", "text/plain; charset=latin-1")])
    return ["\n".join(environ.get(field, "") for field in fields).encode("latin-1")]
