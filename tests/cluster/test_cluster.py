"""What `make cluster` is made of; the rest needs a cluster."""

import subprocess

import pytest

from tests.cluster import cluster
from tests.roll.hosts import FILES

IMAGES = ("example/shop:r1", "example/shop:r2", "example/shop:r3")
FILE = (FILES / "kubernetes.yaml").read_text()


@pytest.fixture
def shop(monkeypatch):
    """Makes one, in a cluster of these versions of budgets; what is asked of kubectl is its own."""

    def make(*versions):
        monkeypatch.setattr(cluster, "kubectl", lambda *_, **__: "\n".join(("apps/v1", *versions)))
        return cluster.Shop(IMAGES, ())

    return make


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["policy/v1"], {"image: example/shop:r1"}),
        (
            ["policy/v1beta1"],
            {"image: example/shop:r1", "apiVersion: policy/v1beta1"},
        ),
    ],
)
def test_the_manifests_are_the_guide_s_but_for_image_and_version(shop, versions, expected):
    changed = set(shop(*versions).manifests().splitlines()) - set(FILE.splitlines())

    assert {line.strip() for line in changed} == expected


def test_as_many_pods_are_wanted_as_the_manifest_says(shop):
    assert f"replicas: {shop('policy/v1').wanted}\n" in FILE


def test_a_cluster_that_is_not_reached_is_one_line(monkeypatch):
    def fail(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "E1129 retry\nno cluster is there\n")

    monkeypatch.setattr(cluster.shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", fail)

    assert cluster.missing() == "no cluster is there"
