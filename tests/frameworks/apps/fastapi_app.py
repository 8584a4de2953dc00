"""The ten endpoints in FastAPI."""

import asyncio
import hashlib
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import BackgroundTasks, FastAPI, Form, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse, StreamingResponse

DONE = []


@asynccontextmanager
async def lifespan(app):
    yield {"greeting": "hello"}


app = FastAPI(lifespan=lifespan)


@app.get("/json")
def json(request: Request):  # in a thread of anyio's
    return {"method": request.method, "query": dict(request.query_params)}


@app.post("/form")
async def form(name: Annotated[str, Form()], colour: Annotated[str, Form()]):
    return {"name": name, "colour": colour}


@app.post("/upload")
async def upload(request: Request):
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "digest": digest.hexdigest()}


@app.get("/stream")
async def stream():
    async def pieces():
        for number in range(5):
            yield f"piece {number}\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(pieces(), media_type="text/plain")


@app.get("/sse")
async def sse():
    async def events():
        for number in range(3):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.post("/background", response_class=PlainTextResponse)
async def background(name: str, tasks: BackgroundTasks):
    tasks.add_task(DONE.append, name)
    return "begun"


@app.get("/done")
async def done():
    return DONE


@app.get("/state", response_class=PlainTextResponse)
async def state(request: Request):
    return request.state.greeting


@app.get("/error")
async def error():
    raise ValueError("on purpose")


@app.websocket("/echo")
async def echo(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
            if message.get("text") is not None:
                await websocket.send_text(message["text"])
            else:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        pass
