"""Processes a benchmark measures: on free ports, ended with it."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from config.processes import HOST, environment, redis_command, reserve_port, spawn, stop, wait_for_port


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of our own with the append-only file on, as `make run` has it; yields its URL."""
    with _listening(lambda port: redis_command(port, folder, is_durable=True), {}) as port:
        yield f"redis://{HOST}:{port}/0"


@contextlib.contextmanager
def uvicorn(application: str, changes: dict[str, str]) -> Iterator[int]:
    """One uvicorn process with this application, as `make run` starts it; yields its port."""

    def command(port: int) -> list[str]:
        options = ["--port", str(port), "--no-access-log", "--log-level", "warning"]
        return [sys.executable, "-m", "uvicorn", application, *options, "--timeout-graceful-shutdown", "3"]

    with _listening(command, changes) as port:
        yield port


@contextlib.contextmanager
def _listening(command: Callable[[int], list[str]], changes: dict[str, str]) -> Iterator[int]:
    port, holder = reserve_port()
    with holder:
        child = spawn(command(port), env=environment(**changes))
        try:
            wait_for_port(port, child, seconds=30)
            yield port
        finally:
            stop(child)
