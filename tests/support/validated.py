"""Applications under wsgiref's validator; whatever it finds fails the request.

The field ``X-Application`` says which.
"""

import os
import tempfile
import warnings
from pathlib import Path
from wsgiref.validate import WSGIWarning, validator

import flaskr
from django.core.wsgi import get_wsgi_application

warnings.simplefilter("error", WSGIWarning)
TEXT = [("Content-Type", "text/plain")]


def raw(environ, start_response):
    """What PEP 3333 allows, page by page."""
    path, body = environ["PATH_INFO"], environ["wsgi.input"]
    environ["wsgi.errors"].write(f"{path}\n")
    environ["wsgi.errors"].flush()
    if path == "/lines":
        found = [body.readline(), body.readline(3), *body.readlines(2), *body, body.read(1)]
    elif path == "/read":
        found = [body.read(3), body.read(-1), body.read(1)]
    else:
        found = [b"hello"]
    if path in ("/204", "/304"):
        start_response(f"{path[1:]} Nothing", [])
        return []
    if path == "/file":
        file = tempfile.TemporaryFile()
        file.write(b"x" * 100_000)
        file.seek(0)
        start_response("200 OK", TEXT)
        return environ["wsgi.file_wrapper"](file, 8192)
    if path == "/length":
        start_response("200 OK", [*TEXT, ("Content-Length", "5")])
        return found
    write = start_response("200 OK", TEXT)
    if path == "/write":
        write(b"written, ")
    return iter(found) if path == "/generator" else found


def make_flask():
    made = flaskr.create_app()
    # Without a limit werkzeug reads a form by `read()` alone, which the validator refuses.
    made.config["MAX_CONTENT_LENGTH"] = 1 << 20
    return made


os.chdir(Path(flaskr.__file__).parents[1])
APPLICATIONS = {
    "raw": validator(raw),
    "flask": validator(make_flask()),
    "django": validator(get_wsgi_application()),
}


def application(environ, start_response):
    return APPLICATIONS[environ["HTTP_X_APPLICATION"]](environ, start_response)
