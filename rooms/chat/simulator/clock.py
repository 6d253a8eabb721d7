"""The simulator's clock: it can run faster than ours, stand still, or be moved forward."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Simulated time for rooms (mutes, windows, MsgTime); `wall` is real time, for signatures only."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._real = time.monotonic()
        self._simulated = time.time()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        return self._simulated + (time.monotonic() - self._real) * self._speed

    def wall(self) -> float:
        return time.time()

    def set_speed(self, speed: float) -> None:
        """Change the pace from this moment on; 0 stands still."""
        self._simulated, self._real = self.now(), time.monotonic()
        self._speed = speed

    def advance(self, seconds: float) -> None:
        self._simulated += seconds

    async def sleep(self, seconds: float) -> None:
        """Wait that much simulated time (real time while the clock stands still)."""
        await asyncio.sleep(max(0.0, seconds) / (self._speed or 1.0))
