"""What the guides show of a deployment is what is run: the files in `examples/deploy`."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from hookserve_http.profiles import PROFILES
from support.pages import PAGES, blocks_of

from tests.image import recipe
from tests.image.engine import STOP_LIMIT
from tests.roll.hosts import FILES, PORT, nginx_configuration
from tests.roll.manager import Unit
from tests.roll.manifests import validate
from tests.roll.network import BALANCER, HOSTS

ROOT = Path(__file__).parents[2]
SHOWN = [
    block
    for page in PAGES
    for block in blocks_of(page)
    if block.title.startswith("examples/deploy/")
]
NOT_SHOWN = {"examples/deploy/shop.py"}
"""The application: any other would do."""
KAMAL = {
    "": "service image servers registry builder proxy env drain_timeout boot",
    "registry": "server username password",
    "builder": "arch dockerfile",
    "proxy": "app_port healthcheck",
    "env": "clear",
    "boot": "limit wait",
}
"""Keys of Kamal 2 (`kamal docs`), which refuses a file with any other; those that are used."""


def text_of(name):
    return (FILES / name).read_text()


def documents(name):
    return list(yaml.safe_load_all(text_of(name)))


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.title)
def test_a_block_is_its_file(block):
    assert block.text == (ROOT / block.title).read_text()


def test_each_file_is_on_a_page():
    files = {path.relative_to(ROOT).as_posix() for path in FILES.rglob("*") if path.is_file()}

    assert {block.title for block in SHOWN} == {
        name for name in files if "__pycache__" not in name
    } - NOT_SHOWN


def test_all_files_name_the_same_hosts():
    addresses = [(name, f"{address}:{PORT}") for name, address in HOSTS.items()]

    found = re.findall(r"^    server (\w+) (\S+)", text_of("haproxy.cfg"), re.MULTILINE)
    assert found == addresses
    found = re.findall(r"^    server (\S+)", text_of("nginx.conf"), re.MULTILINE)
    assert found == [address for _, address in addresses]
    found = re.findall(r"^(\w+) ansible_host=(\S+)$", text_of("inventory.ini"), re.MULTILINE)
    assert found == list(HOSTS.items())
    settings = tomllib.loads(text_of("hookserve.toml"))
    assert settings["bind"] == [f"0.0.0.0:{PORT}"]
    assert settings["forwarded_allow_ips"] == [BALANCER]
    assert documents("kamal.yml")[0]["servers"]["web"]["hosts"] == list(HOSTS.values())


@pytest.mark.process
@pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")
def test_haproxy_finds_nothing_wrong():
    command = ["haproxy", "-c", "-f", FILES / "haproxy.cfg"]
    result = subprocess.run(command, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr


@pytest.mark.process
@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_finds_nothing_wrong(tmp_path):
    command = ["nginx", "-t", "-c", nginx_configuration(tmp_path), "-e", "stderr"]
    result = subprocess.run(command, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    assert "[warn]" not in result.stderr


def test_haproxy_closes_its_connections_before_the_servers_do():
    (seconds,) = re.findall(r"timeout http-keep-alive (\d+)s", text_of("haproxy.cfg"))

    assert int(seconds) < PROFILES["haproxy"]["keepalive"]


@pytest.mark.parametrize("behind", ["haproxy", "nginx"])
def test_the_unit_waits_as_long_as_the_server_may_take_to_stop(behind):
    unit = Unit(FILES / "shop.service")

    assert unit.stop_limit > PROFILES[behind]["drain_delay"] + 30  # graceful_timeout
    assert tomllib.loads(text_of("hookserve.toml"))["pidfile"] == f"/run/{unit.runtime}/shop.pid"


def test_the_playbook_rolls_one_host_at_a_time_and_ends_with_the_first_that_fails():
    (play,) = documents("roll.yml")[0]

    assert play["serial"] == 1
    assert play["any_errors_fatal"] is True
    ways = {path.stem for path in (FILES / "how").iterdir()}
    assert play["vars"]["how"] in ways
    assert ways == {"reload", "restart", "upgrade"}


def ansible(tool, tmp_path, *arguments):
    """Run one of Ansible's tools on the playbook; it must find nothing wrong."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = shutil.which(tool, path=beside)
    if found is None:
        pytest.skip(f"{tool} is not installed")
    environ = {**os.environ, "PATH": beside, "ANSIBLE_HOME": str(tmp_path / "ansible")}
    command = [found, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FILES, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.process
def test_ansible_can_read_the_playbook(tmp_path):
    ansible("ansible-playbook", tmp_path, "--syntax-check", "-i", "inventory.ini", "roll.yml")


@pytest.mark.process
def test_ansible_lint_finds_nothing_wrong(tmp_path):
    files = [str(path.relative_to(FILES)) for path in sorted((FILES / "how").iterdir())]
    ansible("ansible-lint", tmp_path, "--offline", "--strict", "roll.yml", *files)


@pytest.mark.process
def test_the_loop_over_hosts_ends_with_the_first_that_fails_and_says_so(tmp_path):
    (loop,) = [
        block.text
        for block in blocks_of(ROOT / "docs" / "guide" / "many-hosts.md")
        if block.text.startswith("for host in a b c")
    ]
    ssh = f'ssh() {{ echo "$@" >> {tmp_path}/asked; [ "$1" != b ]; }}\n'

    done = subprocess.run(["sh", "-c", ssh + loop], capture_output=True, text=True)

    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [f"{host} systemctl restart shop" for host in "ab"]
    assert done.returncode != 0, "who calls the script believes that all hosts were restarted"


def test_each_requirement_of_the_image_is_on_the_page():
    (file,) = re.findall(r"(\S*requirements\S*) ", "\n".join(recipe.instructions("COPY")))

    assert f"`{file}`" in (ROOT / "docs" / "guide" / "many-hosts.md").read_text()


def container():
    deployment = documents("kubernetes.yaml")[0]
    return deployment, deployment["spec"]["template"]["spec"]["containers"][0]


def value_of(flag):
    words = recipe.words("CMD")
    return words[words.index(flag) + 1]


def test_kubernetes_asks_at_the_ports_of_the_image():
    _, shop = container()
    ports = {each["name"]: each["containerPort"] for each in shop["ports"]}

    assert value_of("--bind").endswith(f":{ports['http']}")
    assert value_of("--health-bind").endswith(f":{ports['health']}")
    asked = {name: each["httpGet"] for name, each in shop.items() if "httpGet" in str(each)}
    assert {name: (each["path"], each["port"]) for name, each in asked.items() if each} == {
        "startupProbe": ("/-/startup", "health"),
        "readinessProbe": ("/-/ready", "health"),
        "livenessProbe": ("/-/live", "health"),
    }


def test_the_engine_waits_as_long_as_the_server_may_take_to_stop():
    profile = PROFILES[value_of("--behind")]
    (seconds,) = re.findall(r"podman run .*--stop-timeout=(\d+)", text_of("Containerfile"))

    assert int(seconds) == STOP_LIMIT > profile["drain_delay"] + profile["graceful_timeout"]


def test_the_manifests_are_what_the_schemas_of_kubernetes_ask_for():
    pytest.importorskip("kubernetes_validate")

    assert validate().endswith("Deployment, Service, PodDisruptionBudget")


def test_kubernetes_waits_as_long_as_the_server_may_take_to_stop():
    deployment, shop = container()
    profile = PROFILES[value_of("--behind")]

    limit = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert limit > profile["drain_delay"] + profile["graceful_timeout"]
    assert "lifecycle" not in shop
    noticed = shop["readinessProbe"]["periodSeconds"] * shop["readinessProbe"]["failureThreshold"]
    assert noticed < profile["drain_delay"]


def test_kubernetes_selects_the_pods_that_it_makes():
    deployment, service, budget = documents("kubernetes.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]

    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    assert budget["spec"]["selector"]["matchLabels"] == labels
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_kamal_knows_each_key():
    (config,) = documents("kamal.yml")

    for section, known in KAMAL.items():
        assert set(config[section] if section else config) == set(known.split())
    web = config["servers"]["web"]
    assert set(web) == {"hosts", "options"}
    assert web["options"] == {"stop-timeout": STOP_LIMIT}
    assert str(config["proxy"]["app_port"]) == value_of("--bind").rpartition(":")[2]
    assert (FILES / config["builder"]["dockerfile"]).is_file()
    assert config["proxy"]["healthcheck"]["path"] == "/-/ready"
    assert config["env"]["clear"] == {"HOOKSERVE_HEALTH": "true"}
