"""What the tests of a running server share."""

import socket

import pytest
from support.status import APPLICATION, HOOKS, Scene, is_answered

from hookserve.testing import serve, wait_until


@pytest.fixture
def scene(tmp_path, request):
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "hookserve.conf.py").write_text(HOOKS)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = tmp_path / "status"
    settings = {"status": f"unix:{path},127.0.0.1:{port}", **getattr(request, "param", {})}
    with serve("app:application", workers=2, settings=settings, chdir=tmp_path) as server:
        made = Scene(server, path, port)
        wait_until(lambda: is_answered(made.client))
        yield made
        (tmp_path / "go on").touch()
        (tmp_path / "hold").unlink(missing_ok=True)
