"""One ASGI application: the webhook door and live streams as plain asyncio, everything else Django in threads.

Django's middleware costs an asynchronous view two orders of magnitude, so the two hot paths never meet it.
"""

import gc
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_django = get_wsgi_application()

from rooms.inbox import Appender  # noqa: E402  (needs the app registry)
from rooms.live_hub import Hub, LiveEndpoint  # noqa: E402
from rooms.webhooks import ChatWebhooks  # noqa: E402

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Application:
    """Routes by path; opens and closes what the two doors hold, over the server's lifespan."""

    def __init__(self) -> None:
        self._appender = Appender()
        self._hub = Hub()
        self._webhooks = ChatWebhooks(self._appender)
        self._live = LiveEndpoint(self._hub)
        self._pages = WSGIMiddleware(cast(Any, _django), workers=12)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path == "/webhooks/chat/":
                await self._webhooks(scope, receive, send)
            elif path == "/live/":
                await self._live(scope, receive, send)
            else:
                await self._pages(scope, receive, send)  # type: ignore[arg-type]
        elif scope["type"] == "lifespan":
            await self._follow_lifespan(receive, send)

    async def _follow_lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                _spare_the_collector()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._hub.close()
                await self._appender.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _spare_the_collector() -> None:
    """What was loaded at start lives for ever; looking through it again and again costs the doors their latency."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


application = Application()
