"""The ten endpoints in Litestar."""

import asyncio
import hashlib
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, WebSocket, get, post, websocket
from litestar.background_tasks import BackgroundTask
from litestar.enums import MediaType
from litestar.response import ServerSentEvent, Stream

DONE: list[str] = []


@asynccontextmanager
async def lifespan(app: Litestar):
    app.state.greeting = "hello"
    yield


@get("/json")
async def json(request: Request) -> dict[str, Any]:
    return {"method": request.method, "query": dict(request.query_params)}


@post("/form", status_code=200)
async def form(request: Request) -> dict[str, Any]:
    return dict(await request.form())


@post("/upload", status_code=200, request_max_body_size=None)
async def upload(request: Request) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "digest": digest.hexdigest()}


@get("/stream")
async def stream() -> Stream:
    async def pieces():
        for number in range(5):
            yield f"piece {number}\n"
            await asyncio.sleep(0.01)

    return Stream(pieces(), media_type=MediaType.TEXT)


@get("/sse")
async def sse() -> ServerSentEvent:
    async def events():
        for number in range(3):
            yield str(number)
            await asyncio.sleep(0.01)

    return ServerSentEvent(events())


async def finish(name: str) -> None:
    DONE.append(name)


@post("/background", status_code=200, media_type=MediaType.TEXT)
async def background(name: str) -> Response[str]:
    return Response("begun", background=BackgroundTask(finish, name))


@get("/done")
async def done() -> list[str]:
    return DONE


@get("/state", media_type=MediaType.TEXT)
async def state(request: Request) -> str:
    return request.app.state.greeting


@get("/error")
async def error() -> None:
    raise ValueError("on purpose")


@websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            break
        if message.get("text") is not None:
            await socket.send_text(message["text"])
        else:
            await socket.send_bytes(message["bytes"])


app = Litestar(
    [json, form, upload, stream, sse, background, done, state, error, echo], lifespan=[lifespan]
)
