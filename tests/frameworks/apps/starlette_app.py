"""The ten endpoints in Starlette."""

import asyncio
import hashlib
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

DONE = []


@asynccontextmanager
async def lifespan(app):
    yield {"greeting": "hello"}


async def json(request):
    return JSONResponse({"method": request.method, "query": dict(request.query_params)})


async def form(request):
    async with request.form() as form:
        return JSONResponse(dict(form))


async def upload(request):
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        size += len(chunk)
    return JSONResponse({"size": size, "digest": digest.hexdigest()})


async def pieces():
    for number in range(5):
        yield f"piece {number}\n"
        await asyncio.sleep(0.01)


async def stream(request):
    return StreamingResponse(pieces(), media_type="text/plain")


async def events():
    for number in range(3):
        yield f"data: {number}\n\n"
        await asyncio.sleep(0.01)


async def sse(request):
    return StreamingResponse(events(), media_type="text/event-stream")


async def finish(name):
    await asyncio.sleep(0.02)
    DONE.append(name)


async def background(request):
    name = request.query_params["name"]
    return PlainTextResponse("begun", background=BackgroundTask(finish, name))


async def done(request):
    return JSONResponse(DONE)


async def state(request):
    return PlainTextResponse(request.state.greeting)


async def error(request):
    raise ValueError("on purpose")


async def echo(websocket):
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            break
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])


app = Starlette(
    routes=[
        Route("/json", json),
        Route("/form", form, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/stream", stream),
        Route("/sse", sse),
        Route("/background", background, methods=["POST"]),
        Route("/done", done),
        Route("/state", state),
        Route("/error", error),
        WebSocketRoute("/echo", echo),
    ],
    lifespan=lifespan,
)
