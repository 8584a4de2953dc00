"""One application with a page for each thing that a WSGI application may do, right or wrong."""

import hashlib
import os
from wsgiref.validate import validator


def everything(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/status/"):
        start_response(f"{path.removeprefix('/status/')} Something", [])
        return []
    return PAGES.get(path, ok)(environ, start_response)


def ok(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [body]


def digest(environ, start_response):
    made = hashlib.sha256()
    while chunk := environ["wsgi.input"].read(65536):
        made.update(chunk)
    start_response("200 OK", [])
    return [made.hexdigest().encode()]


def generator(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (f"{number}\n".encode() for number in range(3))


def write(environ, start_response):
    send = start_response("200 OK", [("Content-Type", "text/plain")])
    send(b"written, ")
    return [b"returned"]


def file(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](open(os.environ["SERVED_FILE"], "rb"))


def part_of_file(environ, start_response):
    opened = open(os.environ["SERVED_FILE"], "rb")
    opened.seek(1000)
    start_response("206 Partial Content", [("Content-Length", "500000")])
    return environ["wsgi.file_wrapper"](opened)


def short(environ, start_response):
    start_response("200 OK", [("Content-Length", "100")])
    return [b"short"]


def long(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return iter([b"12345678"])


def large(environ, start_response):
    start_response("200 OK", [])
    return [b"x" * 5_000_000]


def fail(environ, start_response):
    raise ValueError("a secret")


def fail_late(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    return _fail_after_the_head()


def _fail_after_the_head():
    yield b"12345"
    raise ValueError("late")


def no_start(environ, start_response):
    return [b"no start_response"]


def inject(environ, start_response):
    start_response("200 OK", [("X-A", "b\r\nX-Injected: 1")])
    return [b""]


PAGES = {
    "/echo": echo,
    "/digest": digest,
    "/generator": generator,
    "/write": write,
    "/file": file,
    "/range": part_of_file,
    "/short": short,
    "/long": long,
    "/large": large,
    "/raise": fail,
    "/raise-late": fail_late,
    "/none": no_start,
    "/inject": inject,
}
"""Any other path, an unread body among them, is `ok`."""


def _first_ten(environ, start_response):
    body = environ["wsgi.input"].read(10)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body or b"empty"]


def validated(environ, start_response):
    return validator(_first_ten)(environ, start_response)
