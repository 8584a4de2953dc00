"""What `make image` is made of; the image itself needs podman, root, and minutes."""

import os
import shutil
import subprocess

import pytest

from tests.chaos.driver import Outcome
from tests.image import engine, kamal, pod, recipe
from tests.image.phases import KINDS
from tests.image.rows import HEAD, Row
from tests.image.shop import application
from tests.roll.hosts import FILES
from tests.support.tree import ROOT


def outcome(failures=0):
    counts = {"reset (kept)": failures} if failures else {}
    return Outcome(500, failures, counts, [], 0.0123, 1.0, 0, 0, 0.0, 3.0)


def test_the_recipe_starts_from_one_image():
    assert recipe.base().startswith("docker.io/library/python:")
    assert {each.split()[0] for each in recipe.instructions("FROM")} == {recipe.base()}


def test_the_application_is_the_one_that_the_recipe_copies():
    (copied,) = [each for each in recipe.instructions("COPY") if each.endswith("/srv/shop/")]

    assert (ROOT / "tests" / "image" / copied.split()[0]).is_file()
    assert recipe.words("CMD")[-1] == f"shop:{application.__name__}"


def test_one_kind_has_nothing_to_write_to():
    assert [kind.has_tmp for kind in KINDS.values()] == [False, True]
    assert "--env=HOOKSERVE_HEALTH=true" in KINDS["a /tmp, Kamal's environment, --preload"].options


@pytest.mark.parametrize(
    ("lost", "problem", "verdict"),
    [
        (0, "", ""),
        (2, "", "2 lost: {'reset (kept)': 2}"),
        (0, "exit code 137:\nlog", "exit code 137:"),
    ],
)
def test_a_row_is_good_when_nothing_is_lost(lost, problem, verdict):
    row = Row("a /tmp", "stop", outcome(lost), "exit code 0", problem)

    assert row.verdict == verdict
    assert str(row).count("|") == HEAD.splitlines()[0].count("|")
    assert str(row).endswith(f"| **{verdict}** |" if verdict else "| 12 | 3 | exit code 0 |")


def test_a_row_without_an_outcome_is_never_good():
    assert Row("a /tmp", "stop", None, "", "").verdict


def test_a_pod_is_the_manifest_s_but_for_the_image_and_the_replicas():
    ours = (FILES / "kubernetes.yaml").read_text().splitlines()
    changed = [(a, b) for a, b in zip(ours, pod.manifest().splitlines(), strict=True) if a != b]

    assert [b.split() for _, b in changed] == [
        ["replicas:", "1"],
        ["image:", f"{engine.TAG}:latest"],
    ]


def test_kamal_gets_the_guide_s_file_and_a_docker_that_pulls_nothing(tmp_path):
    kamal.Shop.lay_out(tmp_path)

    assert (tmp_path / "config" / "deploy.yml").read_text().endswith(kamal.FILE.read_text())
    podman = tmp_path / "bin" / "podman"
    podman.write_text('#!/bin/sh\necho "$@"\n')
    podman.chmod(0o755)
    assert docker(tmp_path, "login", "registry.example", "-p", "x") == ""
    pulled = docker(tmp_path, "pull", "registry.example/example/shop:r1")
    assert pulled.startswith("build -q --label service=shop -t registry.example/example/shop:r1 ")
    asked = docker(tmp_path, "ps", "--filter", "status=running", "--filter", "status=restarting")
    assert asked == "ps --filter status=running --filter status=running\n"


def docker(folder, *words):
    environ = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(["docker", *words], capture_output=True, text=True, env=environ).stdout


def test_what_the_machine_lacks_is_one_line(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert engine.missing().startswith("needs Linux, and root")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "which", lambda name: None if name == "podman" else name)
        assert engine.missing() == "not installed: podman (apt install podman curl)"


def test_an_image_that_cannot_be_pulled_is_one_line(monkeypatch):
    def fail(command, **_):
        return subprocess.CompletedProcess(command, 125, "", "Trying to pull\nError: no route\n")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", fail)

    assert engine.missing() == f"no {recipe.base()}: Error: no route"
