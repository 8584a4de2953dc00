"""The application that ``make serve`` shows: a guestbook, and what a server has to be good at.

Standard library only.  The entries live in the worker's memory: with two workers there are two
guestbooks, which the first page makes visible on purpose.
"""

import hashlib
import html
import os
import time
from urllib.parse import parse_qs

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 17px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem;
       color: #1c2430; background: #fbfaf7 }}
h1 {{ font-size: 1.6rem }} a {{ color: #0b63b5 }} code {{ background: #eceae3; padding: 0 .3em }}
li {{ margin: .3rem 0 }} input, textarea, button {{ font: inherit; padding: .3rem .5rem }}
nav a {{ margin-right: 1rem }} footer {{ margin-top: 3rem; color: #6b7280; font-size: .85rem }}
</style></head><body><nav><a href="/">guestbook</a><a href="/upload">upload</a>
<a href="/stream">stream</a><a href="/source">source</a><a href="/slow">slow</a>
<a href="/error">error</a></nav><h1>{title}</h1>{body}
<footer>worker {index}, process {pid}, multiprocess {multiprocess}, multithread
{multithread}</footer></body></html>"""

ENTRIES: list[tuple[str, str]] = []


def page(environ, start_response, title, body, status="200 OK"):
    text = PAGE.format(
        title=html.escape(title),
        body=body,
        index=os.environ.get("HOOKSERVE_WORKER_INDEX", "?"),
        pid=os.getpid(),
        multiprocess=environ["wsgi.multiprocess"],
        multithread=environ["wsgi.multithread"],
    ).encode()
    start_response(
        status,
        [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(text)))],
    )
    return [text]


def guestbook(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        size = int(environ.get("CONTENT_LENGTH") or 0)
        form = parse_qs(environ["wsgi.input"].read(min(size, 10_000)).decode())
        ENTRIES.append((form.get("name", ["a guest"])[0], form.get("text", [""])[0]))
        start_response("303 See Other", [("Location", "/"), ("Content-Length", "0")])
        return []
    shown = "".join(
        f"<li><b>{html.escape(name)}</b>: {html.escape(text)}</li>" for name, text in ENTRIES[-20:]
    )
    body = (
        '<form method="post"><p><input name="name" placeholder="your name" required></p>'
        '<p><textarea name="text" cols="50" rows="3" required></textarea></p>'
        f"<button>sign</button></form><ul>{shown or '<li>no guest yet, in this worker</li>'}</ul>"
    )
    return page(environ, start_response, "The guestbook of one worker", body)


def upload(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        digest, size = hashlib.sha256(), 0
        while chunk := environ["wsgi.input"].read(65536):
            digest.update(chunk)
            size += len(chunk)
        body = f"<p>{size} bytes, SHA-256 <code>{digest.hexdigest()}</code></p>"
        return page(environ, start_response, "Received", body)
    body = (
        '<form method="post" enctype="multipart/form-data"><input type="file" name="file">'
        " <button>send</button></form><p>or <code>curl --data-binary @FILE"
        f" http://{html.escape(environ.get('HTTP_HOST', 'localhost'))}/upload</code></p>"
    )
    return page(environ, start_response, "Upload", body)


def stream(environ, start_response):
    """A response of unknown length, in chunks."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    for number in range(10):
        yield f"{number} at {time.strftime('%X')}\n".encode()
        time.sleep(0.2)


def source(environ, start_response):
    """This file, by sendfile(2)."""
    file = open(__file__, "rb")  # noqa: SIM115  # the server closes it
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return environ["wsgi.file_wrapper"](file)


def slow(environ, start_response):
    time.sleep(3)
    return page(environ, start_response, "Three seconds later", "<p>The other worker was free.</p>")


def error(environ, start_response):
    raise RuntimeError("this page fails on purpose; the traceback is in the log")


ROUTES = {
    "/": guestbook,
    "/upload": upload,
    "/stream": stream,
    "/source": source,
    "/slow": slow,
    "/error": error,
}


def application(environ, start_response):
    view = ROUTES.get(environ["PATH_INFO"])
    if view is None:
        return page(environ, start_response, "Not found", "<p>Not here.</p>", "404 Not Found")
    return view(environ, start_response)
