"""What every worker model promises, as tests that its author runs.

::

    from hookserve.testing import WorkerContract

    class TestContract(WorkerContract):
        worker = "mine"

``pytest`` then serves the contract's application with that worker, over real sockets and forks,
and holds the model to everything that it declares (`hookserve.Capabilities`) and to what all
models have in common.
"""

import importlib.util

if importlib.util.find_spec("pytest") is not None:
    import pytest

    # Or a failing assertion would say nothing but that it failed.
    pytest.register_assert_rewrite(
        *(
            f"hookserve.testing.contract.{part}"
            for part in (
                "base",
                "conversation",
                "deadlines",
                "life",
                "limits",
                "order",
                "requests",
                "responses",
                "stopping",
                "takeover",
            )
        )
    )

from hookserve.testing.contract.conversation import ConversationContract
from hookserve.testing.contract.deadlines import DeadlineContract
from hookserve.testing.contract.life import LifeContract
from hookserve.testing.contract.limits import LimitContract
from hookserve.testing.contract.requests import FileContract, InputContract
from hookserve.testing.contract.responses import ClosingContract, ResponseContract
from hookserve.testing.contract.stopping import StoppingContract
from hookserve.testing.contract.takeover import TakeoverContract

__all__ = ["WorkerContract"]


class WorkerContract(
    LifeContract,
    DeadlineContract,
    StoppingContract,
    TakeoverContract,
    LimitContract,
    ConversationContract,
    InputContract,
    FileContract,
    ResponseContract,
    ClosingContract,
):
    """All parts of the contract; see `hookserve.testing.contract.base.Contract` for what to set."""
