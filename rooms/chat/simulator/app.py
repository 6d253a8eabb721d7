"""The simulator as one ASGI application: /v4/ is Chat's REST API, /sim/ its remote control."""

from __future__ import annotations

from .control import Control
from .http import Receive, Request, Scope, Send
from .hub import Simulator
from .rest import Gateway
from .settings import SimulatorConfig


class SimulatorApp:
    """Routes by the first part of the path and answers the rest with 404."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._gateway = Gateway(simulator)
        self._control = Control(simulator)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(Request(scope, receive, send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _http(self, request: Request) -> None:
        first = request.segments[0]
        if first == "v4":
            await self._gateway.answer(request)
        elif first == "sim" or (not first and request.method == "GET"):
            await self._control.answer(request)
        else:
            await request.json({"error": "Not found. Try /v4/ or /sim/."}, status=404)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.simulator.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.simulator.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def create_app(config: SimulatorConfig) -> SimulatorApp:
    """A simulator of its own: tests make as many as they need."""
    return SimulatorApp(Simulator(config))
