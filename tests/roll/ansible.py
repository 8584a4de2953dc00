"""Ansible with the guide's playbook and inventory; its connection enters the namespaces."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.roll.hosts import FILES
from tests.roll.network import HOSTS

HOLDERS = "ROLL_HOLDERS"
"""The variable that names the process of each host's namespaces, by address, in JSON."""


class Playbook:
    """One run of it, under way."""

    def __init__(self, hosts, folder, release, how):
        self._log = folder / "ansible.log"
        environ = {
            **os.environ,
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "ansible" / "remote"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_NOCOLOR": "True",
            HOLDERS: json.dumps({HOSTS[name]: host.pid for name, host in hosts.items()}),
        }
        command = [
            Path(sys.prefix) / "bin" / "ansible-playbook",
            *("--connection", "namespace", "--inventory", FILES / "inventory.ini"),
            *("-e", f"ansible_python_interpreter={sys.executable}"),
            *("-e", f"release={release}", "-e", f"how={how}"),
            folder / "deploy" / "roll.yml",
        ]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)

    @property
    def exit_code(self):
        """`None` while it runs."""
        return self._process.poll()

    @property
    def output(self):
        return self._log.read_text()

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def lay_out(folder, releases):
    """The playbook as it is in the guide, beside releases; each is the text of `shop.py`."""
    shutil.copytree(FILES, folder / "deploy")
    for name, text in releases.items():
        made = folder / "deploy" / "releases" / name
        made.mkdir(parents=True)
        (made / "shop.py").write_text(text)
