"""The pod of the guide's Kubernetes manifest, as podman makes it.

Its checks are not run: podman 4.3 turns only that of liveness into a command, curl in the image,
and makes 0 of a port that has a name.
"""

import contextlib

from tests.image.engine import STOP_LIMIT, TAG, Container
from tests.roll.hosts import FILES
from tests.roll.network import Host

_NETWORK = ("network", "rm", "podman-default-kube-network")
"""Made for the pod; it stays where another pod is in it."""


def manifest():
    """The guide's, with the image under test, once."""
    text = (FILES / "kubernetes.yaml").read_text()
    (image,) = [line.split()[-1] for line in text.splitlines() if "image: " in line]
    (replicas,) = [line for line in text.splitlines() if "replicas: " in line]
    return text.replace(image, f"{TAG}:latest").replace(replicas, "  replicas: 1")


class Pod(Container):
    """Made of the manifest in a file; it has a network of its own, that of a host."""

    # podman 4.3 does not know terminationGracePeriodSeconds.
    stop_options = (f"--time={STOP_LIMIT}",)

    def _run(self, file):
        self._host, self._file = Host("pod"), str(file)
        file.write_text(manifest())
        self.outer = ("nsenter", f"--target={self._host.pid}", "--net", "--")
        try:
            return self.podman("kube", "play", self._file).split()[-1]
        except AssertionError:
            self.close()
            raise

    def close(self):
        for words in (("kube", "down", self._file), ("volume", "rm", "tmp"), _NETWORK):
            with contextlib.suppress(AssertionError):
                self.podman(*words)
        self._host.close()
