"""The standard streams of a process that was started without them."""

import subprocess
import sys

import pytest

_REPORT = """
import os, sys
from hookserve.system.streams import open_standard_streams
open_standard_streams()
for stream in (sys.stdout, sys.stderr):
    print("lost", file=stream, flush=True)
links = [os.readlink(f"/proc/self/fd/{number}") for number in range(3)]
kept = [os.get_inheritable(number) for number in range(3)]
with open(sys.argv[1], "w") as file:
    file.write(repr((links.count("/dev/null"), all(kept), sys.stdin.read())))
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("closed", "opened"), [("<&-", 1), ("</dev/null >&-", 2), ("<&- >&-", 2), ("<&- >&- 2>&-", 3)]
)
def test_a_closed_stream_is_the_null_device(tmp_path, closed, opened):
    report = tmp_path / "report"
    command = ["sh", "-c", f'"$0" -c "$1" "$2" {closed}', sys.executable, _REPORT, str(report)]

    subprocess.run(command, check=True, capture_output=True)

    assert report.read_text() == repr((opened, True, ""))


@pytest.mark.process
def test_a_server_without_streams_keeps_their_numbers_free(tmp_path):
    (tmp_path / "app.py").write_text(
        "import os\n"
        "links = [os.readlink(f'/proc/self/fd/{number}') for number in range(3)]\n"
        "open('links', 'w').write(repr(links))\n"
        "raise SystemExit(1)\n"
    )
    command = f'"{sys.executable}" -m hookserve -b 127.0.0.1:0 app:app <&- >&- 2>&-'

    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False, timeout=30)

    assert (tmp_path / "links").read_text() == repr(["/dev/null"] * 3)
