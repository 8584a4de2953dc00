"""The ten endpoints in BlackSheep."""

import asyncio
import hashlib

from blacksheep import Application, Request, Response, WebSocket, get, post, text, ws
from blacksheep.server.responses import json as as_json

DONE = []
TASKS = set()
app = Application()


@app.on_start
async def startup(application):
    application.greeting = "hello"


@get("/json")
async def json(request: Request):
    query = {name: values[0] for name, values in request.query.items()}
    return as_json({"method": request.method, "query": query})


@post("/form")
async def form(request: Request):
    return as_json(await request.form())


@post("/upload")
async def upload(request: Request):
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        size += len(chunk)
    return as_json({"size": size, "digest": digest.hexdigest()})


def streamed(kind, make):
    from blacksheep import StreamedContent

    return Response(200, content=StreamedContent(kind, make))


@get("/stream")
async def stream():
    async def pieces():
        for number in range(5):
            yield f"piece {number}\n".encode()
            await asyncio.sleep(0.01)

    return streamed(b"text/plain", pieces)


@get("/sse")
async def sse():
    async def events():
        for number in range(3):
            yield f"data: {number}\n\n".encode()
            await asyncio.sleep(0.01)

    return streamed(b"text/event-stream", events)


@post("/background")
async def background(request: Request):
    async def finish(name):
        DONE.append(name)

    task = asyncio.create_task(finish(request.query["name"][0]))
    TASKS.add(task)
    task.add_done_callback(TASKS.discard)
    return text("begun")


@get("/done")
async def done():
    return as_json(DONE)


@get("/state")
async def state():
    return text(app.greeting)


@get("/error")
async def error():
    raise ValueError("on purpose")


@ws("/echo")
async def echo(websocket: WebSocket):
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            break
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])
