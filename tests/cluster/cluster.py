"""The cluster that kubectl speaks to, and the guide's manifests in it."""

import contextlib
import json
import shutil
import subprocess

import yaml

from hookserve.testing.waiting import wait_until
from tests.image.engine import curl
from tests.roll.hosts import FILES

LIMIT = 180
"""Seconds that a rollout may take."""
_BUDGETS = "policy/v1"
"""Since Kubernetes 1.21; before, ``policy/v1beta1`` had the same fields."""


def missing():
    """What this machine lacks for the test, in one line; empty: nothing."""
    if lacking := [each for each in ("kubectl", "curl") if shutil.which(each) is None]:
        return f"not installed: {', '.join(lacking)}"
    done = subprocess.run(["kubectl", "get", "nodes"], capture_output=True, text=True)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def kubectl(*words, data=None):
    """What it writes.  Raises `AssertionError` with its errors."""
    done = ask(*words, data=data)
    assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr.strip()}"
    return done.stdout.strip()


def ask(*words, data=None):
    """A run of kubectl that has ended."""
    return subprocess.run(["kubectl", *words], input=data, capture_output=True, text=True)


class Shop:
    """The objects of the guide's manifests, in a namespace of their own; a context manager.

    `images` are the first release, the second and one that cannot start: the nodes have them.
    `prefix` is what a command line begins with to be run where Services are reached.
    """

    def __init__(self, images, prefix):
        self.release, self.next_release, self.broken = images
        self.prefix = prefix
        self._namespace = "hookserve-shop"
        self.budgets = _BUDGETS
        if _BUDGETS not in kubectl("api-versions").splitlines():
            self.budgets = f"{_BUDGETS}beta1"
        self._objects = list(yaml.safe_load_all(self.manifests()))
        self.wanted = self._objects[0]["spec"]["replicas"]

    def manifests(self):
        """The guide's, but for the image and, before Kubernetes 1.21, the version of budgets."""
        text = (FILES / "kubernetes.yaml").read_text()
        (image,) = [line.split()[-1] for line in text.splitlines() if "image: " in line]
        text = text.replace(f"apiVersion: {_BUDGETS}\n", f"apiVersion: {self.budgets}\n")
        return text.replace(image, self.release)

    def __enter__(self):
        kubectl("create", "namespace", self._namespace)
        try:
            self.kubectl("apply", "-f", "-", data=self.manifests())
            self.wait_for_rollout()
            wait_until(lambda: self.pods() and self.get("/").communicate()[0].endswith(b"\n200"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        kubectl("delete", "namespace", self._namespace, "--wait=true")

    def kubectl(self, *words, data=None):
        return kubectl("--namespace", self._namespace, *words, data=data)

    def start(self, *words):
        """Start kubectl; its output is not read."""
        command = ["kubectl", "--namespace", self._namespace, *words]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_for_rollout(self):
        self.kubectl("rollout", "status", "deployment/shop", f"--timeout={LIMIT}s")

    def pods(self):
        """Whether each pod is ready, by its name; those that are stopping are not there."""
        found = json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]
        return {
            each["metadata"]["name"]: _is_ready(each)
            for each in found
            if "deletionTimestamp" not in each["metadata"]
        }

    def stopping(self):
        """How many pods are being stopped."""
        found = json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]
        return len(found) - len(self.pods())

    def evict(self, pod):
        """Ask for it as a drain does; what the server says when it refuses, empty: granted."""
        kind = {"apiVersion": self.budgets, "kind": "Eviction"}
        body = {**kind, "metadata": {"name": pod, "namespace": self._namespace}}
        path = f"/api/v1/namespaces/{self._namespace}/pods/{pod}/eviction"
        return ask("create", "--raw", path, "-f", "-", data=json.dumps(body)).stderr.strip()

    @property
    def address(self):
        """Of the Service: host and port."""
        spec = json.loads(self.kubectl("get", "service", "shop", "-o", "json"))["spec"]
        return spec["clusterIP"], spec["ports"][0]["port"]

    def get(self, path):
        """Start a request to the Service."""
        host, port = self.address
        return curl(self.prefix, f"{host}:{port}{path}")


def _is_ready(pod):
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


@contextlib.contextmanager
def cordoned():
    """No node takes a pod; afterwards all do."""
    nodes = kubectl("get", "nodes", "-o", "name").split()
    try:
        yield nodes
    finally:
        kubectl("uncordon", *nodes)
