"""The units in the guide are what systemd accepts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "guide" / "systemd.md"
SERVICE = ROOT / "examples" / "deploy" / "shop.service"
ANALYZER = shutil.which("systemd-analyze")
ACKNOWLEDGED = 253
"""The first version that knows Type=notify-reload."""


@pytest.mark.skipif(ANALYZER is None, reason="there is no systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path):
    service = SERVICE.read_text()
    (sockets,) = re.findall(r"```ini\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    shown = subprocess.run([ANALYZER, "--version"], capture_output=True, text=True, check=True)
    if int(shown.stdout.split()[1]) < ACKNOWLEDGED:
        service = service.replace("notify-reload", "notify")
    service = service.replace("/srv/shop/venv/bin/hookserve", shutil.which("true"))
    units = {"shop.service": service, "shop.socket": sockets}
    for name, text in units.items():
        (tmp_path / name).write_text(text)

    result = subprocess.run(
        [ANALYZER, "verify", *(str(tmp_path / name) for name in units)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert not [line for line in result.stderr.splitlines() if "shop." in line]
    assert result.returncode == 0, result.stderr
