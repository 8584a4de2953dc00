"""Settings that the chosen worker model does not honour are named."""

from hookserve import Capabilities, WorkerType, hookimpl
from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.launch.unhonoured import unhonoured_settings
from hookserve.plugins.selection import choose_worker


class Choosy:
    @hookimpl
    def worker_types(self):
        poor = Capabilities(keepalive=False, sendfile=False)
        return [
            WorkerType("choosy", "hookserve.worker.base:Worker", "of a test", capabilities=poor)
        ]


def unhonoured(chosen, **values):
    host = load_plugins([], {})
    host.register(Choosy(), "choosy")
    table = declare_settings(host)
    config = resolve(table, [SettingsSource("hookserve.toml", values)])
    return unhonoured_settings(host, table, config, choose_worker(host, chosen))


def test_a_setting_of_another_model_is_named():
    assert unhonoured("sync", threads=8) == [
        "threads (hookserve.toml): the worker sync does not honour it (gthread would)"
    ]
    assert unhonoured("gthread", threads=8) == []


def test_what_a_model_cannot_do_is_named_when_it_was_set():
    assert unhonoured("choosy") == []
    assert unhonoured("choosy", keepalive=5, sendfile=True) == [
        "keepalive (hookserve.toml): the worker choosy does not honour it (it closes each"
        " connection)",
        "sendfile (hookserve.toml): the worker choosy does not honour it (it reads and sends)",
    ]
