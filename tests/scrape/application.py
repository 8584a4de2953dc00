"""An application that measures what a shop would."""

from prometheus_client import Counter, Gauge, Histogram

ORDERS = Counter("shop_orders", "Orders.", ["kind"])
SECONDS = Histogram("shop_order_seconds", "Durations.")
BUSY = Gauge("shop_busy", "Orders at work.", multiprocess_mode="livesum")
KINDS = ("book", "record", "map", "print")


def application(environ, start_response):
    """Measure one order."""
    ORDERS.labels(KINDS[len(environ["REMOTE_PORT"]) % len(KINDS)]).inc()
    with BUSY.track_inprogress(), SECONDS.time():
        start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
