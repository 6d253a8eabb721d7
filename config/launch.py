"""`make run`: everything of the demo under one supervisor, and nothing left behind when it stops.

Checks the ports, starts a Redis unless REDIS_URL names one, migrates, seeds the demo, and runs the Procfile. Once
`/readyz` is green it prints the address and keeps crowds in the live rooms (`config.demo_crowd`).
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.process import Popen, Process

from config import settings
from config.demo_crowd import keep_crowds, wait_until_ready
from config.processes import (
    HOST,
    die_with_parent,
    is_port_free,
    redis_command,
    reserve_port,
    spawn,
    stop,
    wait_for_port,
)

VAR: Final = settings.BASE_DIR / "var"
READY_SECONDS: Final = 90


class LaunchError(Exception):
    """One line that says why Greenroom cannot start here."""


class BoundPopen(Popen):  # type: ignore[misc]
    """A child that dies with honcho's process for it."""

    def __init__(self, command: str, **options: Any) -> None:
        super().__init__(command, preexec_fn=die_with_parent, **options)


class BoundProcess(Process):  # type: ignore[misc]
    """Honcho's process for one line of the Procfile; it dies with the launcher, however that ends."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._child_ctor = BoundPopen

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        die_with_parent()
        super().run(events, ignore_signals)


class Supervisor(Manager):  # type: ignore[misc]
    """Honcho's manager without its chatter about process ids."""

    def __init__(self) -> None:
        super().__init__()
        self._process_ctor = BoundProcess
        self._processes: dict[str, dict[str, Any]] = {}

    def _system_print(self, data: str) -> None:
        if "rc=" in data and not self._terminating:
            super()._system_print(data)

    def _killall(self, force: bool = False) -> None:
        """Those that have not started yet have no id to send a signal to; they die with us."""
        everything: dict[str, dict[str, Any]] = self._processes
        self._processes = {name: process for name, process in everything.items() if "pid" in process}
        try:
            super()._killall(force)
        finally:
            self._processes = everything


def main() -> int:
    try:
        return _launch()
    except LaunchError as problem:
        sys.stderr.write(f"Greenroom cannot start: {problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _launch() -> int:
    _check_settings()
    VAR.mkdir(exist_ok=True)
    lock = _lock_folder()
    _check_ports()
    env = _child_environment()
    redis = _start_redis(env)
    try:
        if settings.IS_SIMULATED:
            _manage(env, "demo", "--migrate")
        else:
            _manage(env, "migrate", "--verbosity", "0")
        return _supervise(env, redis)
    finally:
        if redis is not None:
            stop(redis)
        lock.close()


def _check_settings() -> None:
    if not settings.DEBUG:
        raise LaunchError("DEBUG is off, and this is the demo. Run the processes of the Procfile instead.")


def _lock_folder() -> Any:
    """Two of us in one folder would share a database and a Redis file."""
    lock = (VAR / "launch.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise LaunchError("it is already running from this folder.") from error
    return lock


def _check_ports() -> None:
    wanted = {"PORT": settings.PORT}
    if settings.IS_SIMULATED:
        wanted["SIMULATOR_PORT"] = settings.SIMULATOR_PORT
    if len(set(wanted.values())) < len(wanted):
        raise LaunchError("PORT and SIMULATOR_PORT are the same.")
    for name, port in wanted.items():
        if not is_port_free(port):
            raise LaunchError(
                f"port {port} is in use. Stop what uses it, or choose another: make run {name}={port + 1}"
            )


def _child_environment() -> dict[str, str]:
    folder = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "PORT": str(settings.PORT),
        "SIMULATOR_PORT": str(settings.SIMULATOR_PORT),
        "SIMULATOR_WEBHOOK_URL": f"http://{HOST}:{settings.PORT}/webhooks/chat/",
    }


def _start_redis(env: dict[str, str]) -> "subprocess.Popen[bytes] | None":
    """Ours, on a free port, with its data under var/; none when REDIS_URL names another."""
    if env.get("REDIS_URL"):
        return None
    folder = VAR / "redis"
    folder.mkdir(exist_ok=True)
    port, holder = reserve_port()
    try:
        command = redis_command(port, folder, is_durable=True)
    except FileNotFoundError as error:
        raise LaunchError(str(error)) from error
    with (folder / "redis.log").open("wb") as log:
        process = spawn(command, output=log)
    try:
        wait_for_port(port, process)
    except (RuntimeError, TimeoutError) as error:
        stop(process)
        raise LaunchError(f"Redis did not start; see {folder / 'redis.log'}.") from error
    finally:
        holder.close()
    env["REDIS_URL"] = f"redis://{HOST}:{port}/0"
    return process


def _manage(env: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, env=env, cwd=settings.BASE_DIR, check=False, preexec_fn=die_with_parent)  # noqa: S603
    if done.returncode < 0:
        raise KeyboardInterrupt
    if done.returncode:
        raise LaunchError(f"manage.py {arguments[0]} failed.")


def _supervise(env: dict[str, str], redis: "subprocess.Popen[bytes] | None") -> int:
    supervisor = Supervisor()
    for name, command in parse_procfile((settings.BASE_DIR / "Procfile").read_text()).processes.items():
        if name != "simulator" or settings.IS_SIMULATED:
            supervisor.add_process(name, command, env=env, cwd=str(settings.BASE_DIR))
    is_stopping = threading.Event()
    threading.Thread(target=_watch, args=(is_stopping, redis), daemon=True).start()
    try:
        supervisor.loop()
    finally:
        is_stopping.set()
    return 0 if supervisor.returncode in (130, 143) else int(supervisor.returncode or 0)


def _watch(is_stopping: threading.Event, redis: "subprocess.Popen[bytes] | None") -> None:
    """Say when all is ready, keep the crowds going, and end everything if Redis ends."""
    url = f"http://{HOST}:{settings.PORT}"
    missing = wait_until_ready(url, is_stopping, seconds=READY_SECONDS)
    if is_stopping.is_set():
        return
    sys.stdout.write(f"\nNot ready after {READY_SECONDS} s: {missing}\n" if missing else _welcome(url))
    sys.stdout.flush()
    while not is_stopping.wait(2.0):
        if redis is not None and redis.poll() is not None:
            sys.stderr.write("Redis has ended; stopping.\n")
            os.kill(os.getpid(), signal.SIGTERM)
            return
        if settings.IS_SIMULATED:
            keep_crowds(settings.SIMULATOR_URL)


def _welcome(url: str) -> str:
    lines = ["", f"  Greenroom   {url}/"]
    if settings.IS_SIMULATED:
        password_file = VAR / "demo-password"
        password = settings.DEMO_PASSWORD or (password_file.read_text().strip() if password_file.exists() else "")
        lines += [
            f"  API         {url}/api/v1/docs/",
            f"  Viewers     {settings.SIMULATOR_URL}/sim/",
            "  Sign in as  operator, lead, moderator, analyst, finance, anchor1 or anchor2",
            f"  Password    {password}",
        ]
    return "\n".join([*lines, "  Stop with   Ctrl-C", "", ""])


if __name__ == "__main__":
    sys.exit(main())
