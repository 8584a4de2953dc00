"""What the tests of gevent and of eventlet serve: apart from them, for a server imports it."""

import subprocess
import time

WRITER = """printf begin; touch "$TEST_FILE.begun"
until [ -e "$TEST_FILE" ]; do sleep 0.02; done; printf end"""


def on_gevent(environ, start_response):
    import gevent

    return respond(gevent, environ, start_response)


def on_eventlet(environ, start_response):
    import eventlet

    return respond(eventlet, environ, start_response)


def respond(library, environ, start_response):
    """Do what the path says, in a greenlet of that library's."""
    path, body = environ["PATH_INFO"], b"ok"
    if path.startswith("/sleep/"):
        time.sleep(float(path.removeprefix("/sleep/")))  # a slow application
    if path == "/timeout":
        with library.Timeout(0.05):
            library.sleep(5)
    if path == "/kind":
        body = type(library.getcurrent()).__name__.encode()
    if path == "/subprocess":
        body = subprocess.run(["echo", "from a child"], capture_output=True, check=True).stdout
    if path == "/pipe":
        writer = subprocess.Popen(["sh", "-c", WRITER], stdout=subprocess.PIPE)
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](writer.stdout)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
