"""Text that OpenMetrics' own rules allow."""

import pytest
from hookserve_status.openmetrics import Registry
from hookserve_status.snapshot import Source
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from hookserve import ScoreboardField
from hookserve.testing.fakes import configure
from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import Scoreboard


def test_each_kind_is_rendered_as_the_specification_says():
    registry = Registry()
    registry.counter("sent_bytes", "Bytes.", [({}, 3), ({"to": 'a"b\\c\nd'}, 4.5)])
    registry.gauge("queue", "Waiting.", [])
    registry.info("build", "What runs.", {"version": "1"})
    registry.histogram("took_seconds", "Time.", (0.5, 1.0), (2, 0, 1), 4.25)

    assert registry.render() == (
        "# TYPE sent_bytes counter\n"
        "# UNIT sent_bytes bytes\n"
        "# HELP sent_bytes Bytes.\n"
        "sent_bytes_total 3\n"
        'sent_bytes_total{to="a\\"b\\\\c\\nd"} 4.5\n'
        "# TYPE queue gauge\n"
        "# HELP queue Waiting.\n"
        "# TYPE build info\n"
        "# HELP build What runs.\n"
        'build_info{version="1"} 1\n'
        "# TYPE took_seconds histogram\n"
        "# UNIT took_seconds seconds\n"
        "# HELP took_seconds Time.\n"
        'took_seconds_bucket{le="0.5"} 2\n'
        'took_seconds_bucket{le="1.0"} 2\n'
        'took_seconds_bucket{le="+Inf"} 3\n'
        "took_seconds_count 3\n"
        "took_seconds_sum 4.25\n"
        "# EOF\n"
    )


def test_a_name_is_there_once():
    registry = Registry()
    registry.gauge("queue", "", [])

    with pytest.raises(ValueError, match="queue"):
        registry.counter("queue", "", [])


@pytest.mark.parametrize("kind", ["counter", "gauge"])
def test_a_field_of_a_plugin_gives_way_to_a_metric_of_the_servers(kind):
    name = {"counter": "requests_lost", "gauge": "busy"}[kind]
    field = ScoreboardField(name, "A plugin's.", kind)
    scoreboard = Scoreboard(1, 1, fields=[field])
    scoreboard.take().pid = 1
    source = Source(configure({}), "sync", Reader([scoreboard]), [])

    names = {each.name for each in text_string_to_metric_families(source.metrics().render())}

    assert {"hookserve_requests_lost", "hookserve_worker_busy"} <= names
    assert f"hookserve_{'worker_' if kind == 'gauge' else ''}{name}_field" in names
