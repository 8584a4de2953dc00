"""The ten endpoints in Django's ASGI handler, with a websocket of Channels."""

import asyncio
import hashlib

import django
from django.conf import settings

settings.configure(
    DEBUG=False,
    SECRET_KEY="of the test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["channels"],
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

DONE = []
TASKS = set()


async def json(request):
    return JsonResponse({"method": request.method, "query": request.GET.dict()})


def form(request):  # in a thread of asgiref's
    return JsonResponse(request.POST.dict())


async def upload(request):
    digest, size = hashlib.sha256(), 0
    while chunk := request.read(65536):
        digest.update(chunk)
        size += len(chunk)
    return JsonResponse({"size": size, "digest": digest.hexdigest()})


async def stream(request):
    async def pieces():
        for number in range(5):
            yield f"piece {number}\n"
            await asyncio.sleep(0.01)

    return StreamingHttpResponse(pieces(), content_type="text/plain")


async def sse(request):
    async def events():
        for number in range(3):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.01)

    return StreamingHttpResponse(events(), content_type="text/event-stream")


async def background(request):
    async def finish(name):
        DONE.append(name)

    task = asyncio.create_task(finish(request.GET["name"]))
    TASKS.add(task)
    task.add_done_callback(TASKS.discard)
    return HttpResponse("begun")


async def done(request):
    return JsonResponse(DONE, safe=False)


async def state(request):
    return HttpResponse(request.scope.get("state", {}).get("greeting", "hello"))


async def error(request):
    raise ValueError("on purpose")


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)


urlpatterns = [
    path("json", json),
    path("form", form),
    path("upload", upload),
    path("stream", stream),
    path("sse", sse),
    path("background", background),
    path("done", done),
    path("state", state),
    path("error", error),
]
app = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter([path("echo", Echo.as_asgi())]),
    }
)
