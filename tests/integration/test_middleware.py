"""Middleware by interface in a running server, and before there is one."""

import re

import pytest
from support import installed, web
from support.command import hookserve

from hookserve.testing import ServerFailed, serve

APPLICATIONS = """
async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", b"asgi")]})
    await send({"type": "http.response.body", "body": b"asgi"})


def wsgi(environ, start_response):
    start_response("200 OK", [("X-Path", "wsgi"), ("Content-Length", "4")])
    return [b"wsgi"]
"""
AROUND = """
class AsgiHeader:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def with_header(event):
            if event["type"] == "http.response.start":
                event["headers"] = [*event["headers"], (b"x-around", b"asgi")]
            await send(event)

        await self.app(scope, receive, with_header if scope["type"] == "http" else send)


def wsgi_header(app):
    def around(environ, start_response):
        def start(status, headers, *rest):
            return start_response(status, [*headers, ("X-Around", "wsgi")], *rest)

        return app(environ, start)

    return around
"""
RECORDS = """
from hookserve import Middleware, hookimpl


@hookimpl
def middlewares(config):
    return [
        Middleware("asgi header", "around:AsgiHeader", ("asgi",)),
        Middleware("wsgi header", "around:wsgi_header"),
    ]
"""
IN_WORKER = """
from hookserve import Middleware, hookimpl


@hookimpl
def app_wrappers(worker):
    import around

    return [Middleware("asgi header", around.AsgiHeader, ("asgi",)), around.wsgi_header]
"""
LEFT_OUT = {
    "asgi": "is for wsgi and left out: the application has the interface asgi",
    "wsgi": "is for asgi and left out: the application has the interface wsgi",
}


@pytest.fixture
def site(tmp_path):
    (tmp_path / "apps.py").write_text(APPLICATIONS)
    (tmp_path / "around.py").write_text(AROUND)
    return tmp_path


def bring(site, way, source):
    """The source as a configuration file, or as an installed plugin; what the server needs then."""
    if way == "file":
        (site / "hookserve.conf.py").write_text(source)
        return {}
    installed.install(site / "lib", "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": source})
    return {"PYTHONPATH": str(site / "lib")}


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("way", "source"),
    [("file", RECORDS), ("plugin", RECORDS), ("file", IN_WORKER), ("plugin", IN_WORKER)],
    ids=["records of a file", "records", "hook of a file", "hook"],
)
def test_each_interface_has_its_middleware_and_the_log_names_the_rest(site, interface, way, source):
    environ = bring(site, way, source)
    with serve(f"apps:{interface}", worker=None, chdir=site, environ=environ) as server:
        response = web.get(server.url)
        server.stop()
        log = server.log

    assert response.text == interface
    assert response.headers["x-around"] == interface
    assert len(re.findall(re.escape(LEFT_OUT[interface]), log)) == 1


@pytest.mark.parametrize("preload", [False, True])
def test_strict_refuses_the_start_where_one_would_be_left_out(site, preload):
    environ = bring(site, "plugin", RECORDS)
    arguments = ["--strict", *(["--preload"] if preload else [])]

    with pytest.raises(ServerFailed) as caught:
        with serve("apps:asgi", worker=None, chdir=site, environ=environ, arguments=arguments):
            pass

    assert f"{LEFT_OUT['asgi']} (refused by --strict)" in str(caught.value)


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_the_check_shows_what_will_be_left_out(site, interface):
    bring(site, "file", RECORDS)

    result = hookserve("--check-config", f"apps:{interface}", cwd=site)

    assert result.returncode == 0
    assert len(re.findall(re.escape(LEFT_OUT[interface]), result.stderr)) == 1
    result = hookserve("--check-config", "--strict", f"apps:{interface}", cwd=site)
    assert result.returncode == 1
    assert f"{LEFT_OUT[interface]} (refused by --strict)" in result.stderr


def test_the_check_names_what_a_worker_alone_can_tell(site):
    bring(site, "file", IN_WORKER)

    assert "app_wrappers" not in hookserve("--check-config", "apps:wsgi", cwd=site).stderr
    result = hookserve("--check-config", "apps:asgi", cwd=site)
    assert (result.returncode, result.stderr.count("\n")) == (0, 1)
    assert "what app_wrappers of plugin " in result.stderr


def test_a_function_of_a_file_that_is_not_marked_is_named(site):
    (site / "hookserve.conf.py").write_text("def app_wrappers(worker): return []\n")

    result = hookserve("--check-config", "apps:wsgi", cwd=site)

    assert "'app_wrappers' is a hook that counts only with @hookimpl" in result.stderr
