"""Serve the simulator with uvicorn, and stop at once when asked to."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType

import uvicorn

from .app import SimulatorApp


class Server(uvicorn.Server):
    """A uvicorn server that ends the open feeds with the first signal, so that nothing keeps it waiting."""

    def __init__(self, app: SimulatorApp, *, host: str, port: int) -> None:
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                access_log=False,
                log_level="warning",
                timeout_graceful_shutdown=1,
                timeout_keep_alive=75,
                lifespan="on",
                proxy_headers=False,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.end()
        super().handle_exit(sig, frame)

    def end_soon(self) -> None:
        """As `end`, from another thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.end)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)

    def end(self) -> None:
        """End feeds and crowds; then the server can leave as soon as its last answer is out."""
        self._app.simulator.crowds.stop()
        self._app.simulator.feed.close()
        self.should_exit = True
