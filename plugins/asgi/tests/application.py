"""An application of ASGI in a server of its own: each path is a page."""

import asyncio
import hashlib
import json
import os
import resource
from pathlib import Path

BLOCK = b"0123456789abcdef" * 4096
STATE = {"events": []}
FILE = Path(os.environ.get("ASGI_FILE", __file__))


async def application(scope, receive, send):
    """Serve the page that the path names, or the lifespan."""
    if scope["type"] == "lifespan":
        await live(scope, receive, send)
        return
    _, name, argument = (scope["path"] + "/").split("/", 2)
    await PAGES[name](scope, receive, send, argument.rstrip("/"))


async def echo_messages(scope, receive, send):
    """Sends back what it receives, after what it knows of itself."""
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    await receive()
    if scope["path"] == "/denied":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    known = f"{os.getpid()} {scope['scheme']} {scope['client'][0]}"
    await send({"type": "websocket.send", "text": known})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})
    print("ended with", event["code"], flush=True)


async def live(scope, receive, send):
    """Note startup and shutdown in a file, and what happened before the latter."""
    await receive()
    if os.environ.get("ASGI_STARTUP") == "fails":
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        return
    scope["state"]["greeting"] = "hello"
    await send({"type": "lifespan.startup.complete"})
    await receive()
    FILE.with_suffix(".shutdown").write_text(json.dumps(STATE["events"]))
    await send({"type": "lifespan.shutdown.complete"})


async def respond(send, body, *headers, status=200):
    """A response as a whole."""
    fields = [(b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def pid(scope, receive, send, argument):
    """Which worker it is."""
    await respond(send, b"%d" % os.getpid())


async def sleep(scope, receive, send, argument):
    """Wait before the response."""
    await asyncio.sleep(float(argument))
    STATE["events"].append("slept")
    await respond(send, b"%d" % os.getpid())


async def digest(scope, receive, send, argument):
    """Read the body slowly."""
    found, size, parts = hashlib.sha256(), 0, 0
    while True:
        event = await receive()
        found.update(event["body"])
        size, parts = size + len(event["body"]), parts + 1
        if not event["more_body"]:
            break
        await asyncio.sleep(0)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await respond(send, json.dumps([size, found.hexdigest(), parts, most]).encode())


async def stream(scope, receive, send, argument):
    """So many blocks, and how much memory there was at most."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(int(argument)):
        await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await send({"type": "http.response.body", "body": b"|%d" % most})


async def echo(scope, receive, send, argument):
    """Send each part back as it comes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while (event := await receive()).get("more_body"):
        await send({"type": "http.response.body", "body": event["body"], "more_body": True})
    await send({"type": "http.response.body", "body": event.get("body", b"")})


async def scope_page(scope, receive, send, argument):
    """What the scope has."""
    scope["headers"] = [[each.decode("latin-1") for each in pair] for pair in scope["headers"]]
    scope["raw_path"] = scope["raw_path"].decode()
    scope["query_string"] = scope["query_string"].decode()
    await respond(send, json.dumps(scope).encode())


async def watch(scope, receive, send, argument):
    """Wait for the client to leave, in the way that the argument names."""
    STATE["events"].append(f"watch {argument}")
    try:
        if argument == "receive":
            await receive()
            STATE["events"].append((await receive())["type"])
        elif argument == "send":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
        else:
            await asyncio.sleep(0.5)
            await respond(send, b"late")
            STATE["events"].append("slept on")
    except OSError:
        STATE["events"].append("OSError")
        raise


async def events(scope, receive, send, argument):
    """What has happened so far."""
    await respond(send, json.dumps(STATE["events"]).encode())


async def background(scope, receive, send, argument):
    """Go on after the response."""
    await respond(send, b"soon")
    await asyncio.sleep(float(argument))
    STATE["events"].append("background")


async def forever(scope, receive, send, argument):
    """Do not end, not even when told to."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            STATE["events"].append("cancelled")
            if argument != "stubborn":
                raise


async def subscribe(scope, receive, send, argument):
    """A stream of events, which ends when the client is gone or the worker stops."""
    fields = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    await receive()
    while (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.body", "body": b"data: end\n\n"})


async def fail(scope, receive, send, argument):
    """Raise, at once or after a wait."""
    if argument:
        await asyncio.sleep(0)
    raise {"": ValueError, "later": ValueError, "exit": SystemExit}[argument]("on purpose")


async def path(scope, receive, send, argument):
    """A file, by its name."""
    if argument:
        await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.pathsend", "path": str(FILE)})


async def block(scope, receive, send, argument):
    """Hold the loop up."""
    await asyncio.sleep(0)
    compute(float(argument))
    await respond(send, b"done")


async def hang(scope, receive, send, argument):
    """Hold the loop up from the first step on, and say so."""
    os.write(2, b"the application hangs\n")
    compute(float(argument))
    await respond(send, b"done")


def compute(seconds):
    """Use the processor for so long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        pass


PAGES = {
    "": pid,
    "sleep": sleep,
    "digest": digest,
    "stream": stream,
    "echo": echo,
    "scope": scope_page,
    "watch": watch,
    "events": events,
    "background": background,
    "forever": forever,
    "subscribe": subscribe,
    "fail": fail,
    "path": path,
    "block": block,
    "hang": hang,
}


class Double:
    """An application of ASGI 2."""

    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        """Take the events."""
