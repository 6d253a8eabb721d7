"""The processes that tests drive: Redis, simulator, web server, worker, beat, ingest. Each real, on its own free port.

They die with the test process, whatever ends it. Those that are idle between tests (Redis, simulator, web) are kept
for the next test; those that would act on another test's rows (worker, beat, ingest) are stopped when a test does not
ask for them.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from django.conf import settings
from django.db import connections
from redis import RedisError

from config.processes import HOST, environment, redis_command, spawn, stop, wait_for_port
from rooms import redis

T = TypeVar("T")
_POLL_SECONDS: Final = 0.02
_INGEST_PULSE: Final = f"{redis.PULSE_PREFIX}ingest"


def eventually(check: Callable[[], T], *, seconds: float = 10.0, what: str = "") -> T:
    """The first true answer of `check`, asked again and again; an assertion that fails in it means not yet."""
    limit = time.monotonic() + seconds
    while True:
        failure: AssertionError | None = None
        answer: Any = None
        try:
            answer = check()
        except AssertionError as error:
            failure = error
        if answer:
            return answer
        if time.monotonic() > limit:
            raise AssertionError(
                f"{what or 'It'} did not come true within {seconds:g} s; the last answer was {answer!r}."
            ) from failure
        Event().wait(_POLL_SECONDS)


class Service:
    """One child process and its log; `start` after `kill` or `stop` starts it anew."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        port: int = 0,
        before: Callable[[], object] | None = None,
        ready: Callable[["Service"], bool] | None = None,
    ) -> None:
        self.name, self.port = name, port
        self._command, self._before, self._ready = command, before, ready
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._has_been_ready = False
        self._log_path = Path(settings.TEST_DIR) / f"{name}.log"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has printed since it was last started."""
        if not self._log_path.exists():
            return ""
        return self._log_path.read_bytes()[self._log_start :].decode("utf-8", "replace")

    def start(self) -> None:
        """Start it and wait until it is ready; nothing happens while it runs."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it without waiting."""
        if self.is_running:
            return
        if self._before is not None:
            self._before()
        self._has_been_ready = False
        with self._log_path.open("ab") as log:
            self._log_start = log.tell()
            self._process = spawn(self._command, env=child_environment(), cwd=settings.BASE_DIR, output=log)

    def wait(self) -> None:
        """Until it is ready."""
        assert self._process is not None, f"{self.name} was never started"
        if self._has_been_ready:
            return
        try:
            if self.port:
                wait_for_port(self.port, self._process, seconds=30)
            eventually(self._is_ready, seconds=30, what=f"{self.name} being ready")
        except (AssertionError, RuntimeError, TimeoutError) as error:
            self.kill()
            raise RuntimeError(f"{self.name} did not start:\n{self.log[-4000:]}") from error
        self._has_been_ready = True

    def _is_ready(self) -> bool:
        if not self.is_running:
            raise RuntimeError(f"{self.name} has ended")
        return self._ready is None or self._ready(self)

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)

    def kill(self) -> None:
        """As `kill -9`: no farewell."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


def child_environment() -> dict[str, str]:
    """What a child needs to use this test's database, Redis and ports."""
    return environment(
        GREENROOM_TEST_ROLE="child",
        DJANGO_SETTINGS_MODULE="tests.settings",
        DATABASE_URL=database_url(),
        PYTHONUNBUFFERED="1",
        PYTHONHASHSEED="0",
    )


def database_url() -> str:
    """The address of the database the tests run on (its test copy, not the one named in the settings)."""
    values: Mapping[str, Any] = connections["default"].settings_dict
    if str(values["ENGINE"]).endswith("sqlite3"):
        return f"sqlite:///{values['NAME']}"
    host = values["HOST"] or HOST
    login = f"{quote(values['USER'])}:{quote(values['PASSWORD'])}@" if values["USER"] else ""
    port = f":{values['PORT']}" if values["PORT"] else ""
    return f"postgres://{login}{host}{port}/{values['NAME']}"


class Simulator(Service):
    """The simulator with its control calls; paths are relative to `/sim/`."""

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, params=query)

    def post(self, path: str, **body: Any) -> Any:
        return self.call("POST", path, json=body)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = httpx.request(method, f"{self.url}/sim/{path}", timeout=10, **options)
        answer.raise_for_status()
        return answer.json()

    def reset(self) -> None:
        self.post("reset")

    def group(self, group_id: str) -> Any:
        return self.get(f"groups/{group_id}")

    def has_group(self, group_id: str) -> bool:
        return any(group["group_id"] == group_id for group in self.get("groups")["groups"])

    def join(self, group_id: str, account: str, **body: Any) -> Any:
        return self.post(f"groups/{group_id}/join", account=account, **body)

    def leave(self, group_id: str, account: str, **body: Any) -> Any:
        return self.post(f"groups/{group_id}/leave", account=account, **body)

    def speak(self, group_id: str, account: str, text: str, **body: Any) -> Any:
        return self.post(f"groups/{group_id}/messages", account=account, text=text, **body)

    def calls(self, command: str = "") -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self.get("calls", command=command, limit=50_000)["calls"]
        return calls

    def fail(self, command: str, kind: str, value: float = 0, times: int = 1) -> None:
        self.post("faults", command=command, kind=kind, value=value, times=times)

    def messages(self, group_id: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.group(group_id)["messages"]
        return messages


class Services:
    """Everything of one test process."""

    def __init__(self) -> None:
        manage = [sys.executable, "manage.py"]
        redis_port = urlsplit(settings.REDIS_URL).port
        assert redis_port is not None
        self.folder = Path(settings.TEST_DIR)
        (self.folder / "redis").mkdir(exist_ok=True)
        self.redis = Service(
            "redis",
            redis_command(redis_port, self.folder / "redis", is_durable=True),
            port=redis_port,
            ready=lambda service: _answers_ping(),
        )
        self.simulator = Simulator(
            "simulator",
            [
                *manage, "simulate", "--port", str(settings.SIMULATOR_PORT),
                "--webhook-url", f"http://{HOST}:{settings.PORT}/webhooks/chat/",
            ],
            port=settings.SIMULATOR_PORT,
        )  # fmt: skip
        self.server = Service(
            "web",
            [
                sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", HOST,
                "--port", str(settings.PORT), "--lifespan", "on", "--no-access-log",
                "--log-level", "warning", "--timeout-graceful-shutdown", "1",
            ],
            port=settings.PORT,
        )  # fmt: skip
        self.worker = Service(
            "worker",
            [
                sys.executable, "-m", "celery", "-A", "config", "worker",
                "--pool", "threads", "--concurrency", "8", "--queues", "chat.urgent,chat.bulk", "--loglevel", "INFO",
                "--without-gossip", "--without-mingle", "--without-heartbeat",
            ],
            ready=lambda service: " ready." in service.log,
        )  # fmt: skip
        self.beat = Service(
            "beat",
            [
                sys.executable, "-m", "celery", "-A", "config", "beat",
                "--schedule", str(self.folder / "beat-schedule"), "--pidfile", "", "--loglevel", "INFO",
            ],
        )  # fmt: skip
        self.ingest = Service(
            "ingest",
            [*manage, "ingest"],
            before=lambda: redis.connection().delete(_INGEST_PULSE),
            ready=lambda service: redis.connection().exists(_INGEST_PULSE) == 1,
        )
        self.all: tuple[Service, ...] = (
            self.beat, self.ingest, self.worker, self.server, self.simulator, self.redis
        )  # fmt: skip

    def close(self) -> None:
        """Stop them all and remove their folder."""
        for service in self.all:
            service.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _answers_ping() -> bool:
    try:
        return bool(redis.connection().ping())
    except RedisError:
        return False
