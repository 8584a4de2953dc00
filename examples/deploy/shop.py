"""The application of each release: it answers with the release's name."""

from pathlib import Path

RELEASE = Path(__file__).resolve().parent.name


def application(environ, start_response):
    environ["wsgi.input"].read()
    body = f"{RELEASE}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
