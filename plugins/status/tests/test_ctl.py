"""The command ``hookserve ctl``: its words."""

import pytest
from hookserve_status.client import Unreachable
from hookserve_status.ctl import run

from hookserve import UsageError


@pytest.mark.parametrize(
    "words",
    [["-a", "ADDRESS", "status"], ["status", "-a", "ADDRESS"], ["recycle", "-a", "ADDRESS", "0"]],
)
def test_the_address_stands_before_the_command_or_behind_it(tmp_path, words):
    address = f"unix:{tmp_path}/none"

    with pytest.raises(Unreachable, match="none"):
        run([address if word == "ADDRESS" else word for word in words])


def test_an_unknown_flag_is_refused_as_the_commands():
    with pytest.raises(UsageError, match="ctl: unrecognized arguments: --now"):
        run(["status", "--now"])
