"""Flask and Django as people deploy them, under every worker model, driven by real clients."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.models import MODELS
from support.paths import SUPPORT

from hookserve.testing import serve
from tests.support import web

HERE = SUPPORT
EXAMPLES = Path(__file__).parents[2] / "examples"
SITE = EXAMPLES / "djangosite"
SIZE = 50 * 1024 * 1024


@pytest.fixture(scope="module", params=MODELS)
def worker(request):
    return request.param


@pytest.fixture(scope="module")
def flaskr(worker, tmp_path_factory):
    database = tmp_path_factory.mktemp("flaskr") / "flaskr.sqlite"
    environ = {"FLASKR_DATABASE": str(database)}
    with serve(
        "flaskr:create_app()", worker=worker, workers=3, chdir=EXAMPLES, environ=environ
    ) as server:
        yield server


@pytest.fixture(scope="module")
def django_environ(tmp_path_factory):
    environ = {
        "DJANGO_DATABASE": str(tmp_path_factory.mktemp("django") / "site.sqlite"),
        "DJANGO_SETTINGS_MODULE": "settings",
        "DJANGO_SUPERUSER_PASSWORD": "secret",
    }
    for arguments in (
        ["migrate", "--verbosity", "0"],
        ["createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"],
    ):
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=SITE,
            env={**os.environ, **environ},
            check=True,
            capture_output=True,
        )
    return environ


@pytest.fixture(scope="module")
def django(worker, django_environ):
    with serve("wsgi", worker=worker, workers=3, chdir=SITE, environ=django_environ) as server:
        yield server


@pytest.fixture(scope="module")
def validated(worker, django_environ, tmp_path_factory):
    environ = {
        **django_environ,
        "FLASKR_DATABASE": str(tmp_path_factory.mktemp("flaskr") / "flaskr.sqlite"),
        "PYTHONPATH": os.pathsep.join(map(str, (EXAMPLES, SITE))),
    }
    with serve(
        "validated:application", worker=worker, workers=2, chdir=HERE, environ=environ
    ) as server:
        yield server
        server.stop()
        assert "AssertionError" not in server.log
        assert "WSGIWarning" not in server.log
        assert "without being closed" not in server.log
        assert "Traceback" not in server.log


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("upload") / "large"
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(SIZE >> 20):
            file.write(block)
    return path


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def client_of(server, application=""):
    fields = {"X-Application": application}
    return web.Client(base_url=server.url, headers=fields, follow_redirects=True, timeout=60)


def test_flask_registers_logs_in_writes_edits_and_deletes(flaskr):
    with client_of(flaskr) as client:
        account = {"name": "ada", "password": "lovelace"}
        client.post("/register", data=account)
        client.post("/login", data=account)
        page = client.post("/write", data={"title": "A <title>", "body": "first"}).text
        assert "A &lt;title&gt;" in page
        number = re.search(r"/write/(\d+)", page)[1]

        page = client.post(f"/write/{number}", data={"title": "B", "body": "second"}).text
        assert "second" in page
        assert "first" not in page

        assert "No posts yet" in client.post(f"/delete/{number}").text


def test_flask_shows_a_flash_and_refuses_a_stranger(flaskr):
    with client_of(flaskr) as client:
        page = client.post("/login", data={"name": "nobody", "password": "x"}).text

        assert "wrong name or password" in page
        assert client.get("/write").url.path == "/login"
        assert client.post("/delete/99").status_code == 404


def test_django_keeps_a_session_over_all_workers(django):
    with client_of(django) as client:
        counts = [client.get("/visits/").json()["visits"] for _ in range(12)]

    assert counts == list(range(1, 13))


def test_django_takes_a_form_with_its_csrf_token(django):
    with client_of(django) as client:
        token = re.search(r'value="([^"]+)"', client.get("/").text)[1]
        page = client.post("/", data={"csrfmiddlewaretoken": token, "text": "a <note>"}).text
        refused = client.post("/", data={"text": "no token"})

    assert "a &lt;note&gt;" in page
    assert refused.status_code == 403


def test_the_django_admin_logs_in_and_changes_a_note(django):
    with client_of(django) as client:
        page = client.get("/admin/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        form = {"csrfmiddlewaretoken": token, "username": "ada", "password": "secret"}
        page = client.post("/admin/login/?next=/admin/", data=form)
        assert "Site administration" in page.text

        page = client.get("/admin/notes/note/add/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        page = client.post(
            "/admin/notes/note/add/", data={"csrfmiddlewaretoken": token, "text": "by the admin"}
        )

        assert "was added successfully" in page.text
        assert "by the admin" in client.get("/").text


def test_django_receives_fifty_megabytes_from_httpx(django, large_file):
    with client_of(django) as client, large_file.open("rb") as file:
        answer = client.post("/upload/", files={"file": file})

    assert answer.json() == {"size": SIZE, "sha256": digest_of(large_file)}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_django_receives_fifty_megabytes_from_curl(django, large_file):
    answer = subprocess.run(
        [
            "curl",
            "-sS",
            "-H",
            "Expect: 100-continue",
            "-F",
            f"file=@{large_file}",
            f"{django.url}/upload/",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert digest_of(large_file) in answer.stdout


def test_the_validator_finds_nothing_in_a_raw_application(validated):
    with client_of(validated, "raw") as client:
        for path in ("/", "/length", "/write", "/generator", "/%C3%A9?%2B+", "/read", "/lines"):
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
                assert client.request(method, path).status_code == 200, (method, path)
        for content in (b"1\n23456\n7\n8", iter([b"1\n234", b"56\n7\n8"])):
            assert client.post("/lines", content=content).content == b"1\n23456\n7\n8"
            assert client.post("/read", content=b"12345").content == b"12345"
        assert client.get("/204").status_code == 204
        assert client.get("/304").status_code == 304
        assert client.get("/write").text == "written, hello"
        assert len(client.get("/file").content) == 100_000


def test_the_validator_finds_nothing_in_flask(validated):
    with client_of(validated, "flask") as client:
        account = {"name": "validated", "password": "lovelace"}
        assert client.post("/register", data=account).status_code == 200
        assert client.post("/login", data=account).status_code == 200
        assert "A title" in client.post("/write", data={"title": "A title", "body": "x"}).text
        assert client.head("/register").status_code == 200
        assert client.get("/nowhere").status_code == 404


def test_the_validator_finds_nothing_in_django(validated):
    with client_of(validated, "django") as client:
        token = re.search(r'value="([^"]+)"', client.get("/").text)[1]
        form = {"csrfmiddlewaretoken": token, "text": "a note"}
        assert "a note" in client.post("/", data=form).text
        assert client.get("/visits/").json() == {"visits": 1}
        content = os.urandom(3 << 20)
        answer = client.post("/upload/", files={"file": content})
        assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()
        assert client.head("/admin/login/").status_code == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_sees_flask(flaskr):
    answer = subprocess.run(
        ["curl", "-sSi", f"{flaskr.url}/register"], capture_output=True, text=True, check=True
    )

    assert answer.stdout.startswith("HTTP/1.1 200 OK")
    assert "<h1>Register</h1>" in answer.stdout
