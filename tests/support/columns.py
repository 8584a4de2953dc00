"""The columns of the tables of `make chaos` and `make hostile`: what is served by which model."""

from tests.support.models import OF_WSGI


def columns_of(package):
    """Worker class and application of each column, by its name.

    The package has a module `application`, with the same of WSGI and of ASGI.
    """
    wsgi, asgi = f"{package}.application:application", f"{package}.application:asgi_application"
    return {model: (model, wsgi) for model in OF_WSGI} | {"asgi": ("asyncio", asgi)}


async def live(receive, send):
    """The lifespan of an application of ASGI that has nothing to prepare."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
