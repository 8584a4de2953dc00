"""The ten endpoints in Quart."""

import asyncio
import hashlib

from quart import Quart, request, websocket

DONE = []
app = Quart(__name__)
app.config["MAX_CONTENT_LENGTH"] = None


@app.before_serving
async def startup():
    app.greeting = "hello"


@app.get("/json")
async def json():
    return {"method": request.method, "query": dict(request.args)}


@app.post("/form")
async def form():
    return dict(await request.form)


@app.post("/upload")
async def upload():
    digest, size = hashlib.sha256(), 0
    async for chunk in request.body:
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "digest": digest.hexdigest()}


@app.get("/stream")
async def stream():
    async def pieces():
        for number in range(5):
            yield f"piece {number}\n"
            await asyncio.sleep(0.01)

    return pieces(), 200, {"Content-Type": "text/plain"}


@app.get("/sse")
async def sse():
    async def events():
        for number in range(3):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.01)

    return events(), 200, {"Content-Type": "text/event-stream"}


@app.post("/background")
async def background():
    async def finish(name):
        DONE.append(name)

    app.add_background_task(finish, request.args["name"])
    return "begun"


@app.get("/done")
async def done():
    return DONE


@app.get("/state")
async def state():
    return app.greeting


@app.get("/error")
async def error():
    raise ValueError("on purpose")


@app.websocket("/echo")
async def echo():
    while True:
        await websocket.send(await websocket.receive())
