"""What others make of the same bytes: h11, and httptools, which is llhttp.

Each reader answers the requests in the bytes, one after another, as far as it goes.
"""

from dataclasses import dataclass, field

from tests.fuzz.conversation import Application, converse, make_protocol
from tests.fuzz.pieces import LARGEST_PIECE, cut


@dataclass(slots=True)
class Request:
    """One request as it was understood; fields by their names in an environ."""

    method: str
    target: str
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    version: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class Reading:
    """The complete requests, and why there are no more; empty: nothing more was there."""

    requests: list[Request]
    refusal: str = ""


def by_hookserve(data):
    """Ours; what is complete and accepted alone, and the statuses of what is refused."""
    app = Application(lambda environ: environ["wsgi.input"].read())
    outcome = converse(make_protocol(app, buffered=True), cut(data, b"\0"), app)
    requests = [
        Request(
            environ["REQUEST_METHOD"],
            environ["RAW_URI"],
            {key: value for key, value in environ.items() if _is_field(key)},
            body,
            environ["SERVER_PROTOCOL"],
        )
        for environ, body in zip(outcome.environs, outcome.bodies, strict=True)
    ]
    refused = [status for status in outcome.statuses if status != 200]
    return Reading(requests, f"status {refused[0]}" if refused else ""), outcome.state


def by_h11(data):
    """h11's; it wants each request answered before the next."""
    import h11

    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_PIECE)
    connection.receive_data(data)
    requests, current = [], None
    try:
        while True:
            event = connection.next_event()
            if event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return Reading(requests)
            if isinstance(event, h11.Request):
                current = Request(
                    event.method.decode(),
                    event.target.decode(),
                    gather(event.headers),
                    version=f"HTTP/{event.http_version.decode()}",
                )
            elif isinstance(event, h11.Data):
                current.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                requests.append(current)
                connection.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return Reading(requests, f"it closes after {current.version}")
                connection.start_next_cycle()
    except h11.RemoteProtocolError as error:
        return Reading(requests, str(error))


class _Collector:
    """What httptools calls."""

    def __init__(self):
        self.requests = []
        self.parser = None

    def on_message_begin(self):
        self.target, self.pairs, self.body = b"", [], b""

    def on_url(self, url):
        self.target += url

    def on_header(self, name, value):
        self.pairs.append((name, value))

    def on_body(self, body):
        self.body += body

    def on_headers_complete(self):
        # Trailers come as headers too, later.
        self.fields = gather(self.pairs)

    def on_message_complete(self):
        self.requests.append(
            Request(
                self.parser.get_method().decode(),
                self.target.decode("latin-1"),
                self.fields,
                self.body,
                f"HTTP/{self.parser.get_http_version()}",
            )
        )


def by_httptools(data):
    """llhttp's, as strict as it is by default."""
    import httptools

    collector = _Collector()
    parser = collector.parser = httptools.HttpRequestParser(collector)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return Reading(collector.requests, "it stops for an upgrade")
    except httptools.HttpParserError as error:
        return Reading(collector.requests, str(error) or type(error).__name__)
    return Reading(collector.requests)


PARSERS = {"h11": by_h11, "httptools": by_httptools}


def gather(pairs):
    """Header pairs as an environ has them: names with an underscore dropped, repeated ones joined
    (RFC 9110, 5.3), white space around values no part of them (5.5)."""
    found = {}
    for name, value in pairs:
        key = name.decode("latin-1").upper()
        if "_" in key:
            continue
        key = key.replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        found.setdefault(key, []).append(value.strip(b" \t").decode("latin-1"))
    return {
        key: ("; " if key == "HTTP_COOKIE" else ",").join(values) for key, values in found.items()
    }


def _is_field(key):
    return key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH")
