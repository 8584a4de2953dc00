"""The life of a server in a case: start, three requests, HUP, a request, TERM."""

import contextlib
import re
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.compat.comparison import compare
from tests.compat.observation import (
    Observation,
    access_lines,
    files_of,
    hook_names,
    messages,
    seen_by_application,
    warnings,
)
from tests.compat.processes import STEP, Running, wait_for

_PROGRAM = re.compile(r"(?<=^<\d\d>)(?:gunicorn|hookserve)(?=\.)")


def run_case(case, gunicorn, hookserve):
    """Both servers at once, each in a directory of its own; the verdict."""
    with ThreadPoolExecutor(2) as pool:
        both = pool.map(lambda program: observe(case, program), (gunicorn, hookserve))
        return compare(case, *both)


def observe(case, program):
    """What is seen of one server."""
    with tempfile.TemporaryDirectory(prefix="compat-", ignore_cleanup_errors=True) as name:
        server = Running(case, program, name)
        if case.tls:
            _write_certificate(server.folder)
        before = {str(path.relative_to(server.folder)) for path in server.folder.rglob("*")}
        observation = Observation()
        try:
            server.start()
            observation.started = _life(server, observation, before)
            observation.exit_code = server.wait()
        finally:
            count = server.end()
        sinks = _sinks(server, before)
        _fill(server, observation, sinks, before)
        if observation.started and count:
            observation.left.append(f"{count} processes")
        return observation


def _write_certificate(folder):
    import trustme

    certificate = trustme.CA().issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")


def _life(server, observation, before):
    responses = [server.first()]
    if responses[0] is None:
        return False
    responses.append(
        server.ask("GET", "/second", X_Forwarded_Proto="https", X_Forwarded_For="192.0.2.1")
    )
    responses.append(server.ask("POST", "/third/", b"a body", Content_Type="text/plain"))
    if server.case.websocket:
        responses.append(server.converse("/websocket"))
    observation.workers = _stable_count(server)
    observation.files = files_of(server.folder, before)
    observation.requests = responses
    if server.pid != server.process.pid or server.is_alive():
        observation.reload.append(_reload(server))
    server.signal(signal.SIGTERM)
    return True


def _stable_count(server):
    """The number of workers, once it has been the same for half a second."""
    counts = []

    def is_stable_count():
        counts.append(len(server.workers()))
        return len(counts) > 10 and len(set(counts[-10:])) == 1

    wait_for(is_stable_count, STEP)
    return counts[-1]


def _reload(server):
    """The response to a request, once a worker of after the HUP serves."""
    old = set(server.workers())
    server.signal(signal.SIGHUP)
    wait_for(lambda: server.workers() and not old & set(server.workers()), STEP)
    response = wait_for(lambda: server.ask("GET", "/after"), STEP)
    is_new = bool(server.workers()) and not old & set(server.workers())
    return {"new workers": is_new, **(response or {"status": None})}


def _sinks(server, before):
    """The text of the standard streams and of each file that was made."""
    sinks = {}
    for path in [server.folder / "stdout", server.folder / "stderr"]:
        sinks[path.name] = path.read_text(errors="replace")
    for path in sorted(server.folder.rglob("*")):
        name = str(path.relative_to(server.folder))
        if name not in before and name not in ("seen", "stdout", "stderr") and path.is_file():
            with contextlib.suppress(OSError):
                sinks[name] = path.read_text(errors="replace")
    return {name: _placed(server, text) for name, text in sinks.items()}


def _placed(server, text):
    return text.replace(str(server.folder), "@DIR@").replace(str(server.port), "@PORT@")


def _compared(name, case):
    """A metric's name, or the program name of a packet of syslog.  Without a file a flag does not
    say whose it is, and the program is hookserve: the guide has the row."""
    has_file = case.file or "GUNICORN_CMD_ARGS" in case.env
    return name if has_file else _PROGRAM.sub("SERVER", name)


def _fill(server, observation, sinks, before):
    places = [(str(server.folder), "@DIR@"), (str(server.port), "@PORT@")]
    records = seen_by_application(Path(server.folder / "seen"), places)
    by_path = {record["PATH_INFO"].rpartition("/")[2]: record for _, record in records}
    for response, (_, record) in zip(observation.requests, records, strict=False):
        if response is not None:
            response["seen"] = record
    if observation.reload and by_path.get("after"):
        observation.reload[0]["seen"] = by_path["after"]
    observation.access_log = access_lines(sinks)
    observation.messages = messages(sinks)
    observation.hooks = hook_names(sinks)
    observation.metrics = sorted(_compared(name, server.case) for name in server.metrics.names)
    observation.left = sorted(files_of(server.folder, before))
    observation.warnings = warnings(sinks)
