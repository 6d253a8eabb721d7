"""Chat's webhooks: build the request, sign it, send it, and read the answer by the 2 s rule."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
import uuid
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from .clock import Clock
from .faults import Fault, Faults
from .http import read_json
from .poster import Poster, PostError
from .records import Ring, WebhookRecord
from .settings import Settings, SimulatorConfig

logger = logging.getLogger("greenroom.simulator")

BEFORE_SEND = "Group.CallbackBeforeSendMsg"
AFTER_SEND = "Group.CallbackAfterSendMsg"
SEND_EXCEPTION = "Group.CallbackSendMsgException"
BEFORE_CREATE = "Group.CallbackBeforeCreateGroup"
AFTER_CREATE = "Group.CallbackAfterCreateGroup"
BEFORE_JOIN = "Group.CallbackBeforeApplyJoinGroup"
AFTER_JOIN = "Group.CallbackAfterNewMemberJoin"
AFTER_EXIT = "Group.CallbackAfterMemberExit"
PRESENCE = "Group.CallbackOnMemberStateChange"
INFO_CHANGED = "Group.CallbackAfterGroupInfoChanged"
ATTRIBUTES_CHANGED = "Group.CallbackAfterGroupAttrChanged"
DESTROYED = "Group.CallbackAfterGroupDestroyed"
STATE_CHANGE = "State.StateChange"
BEFORE_COMMANDS = frozenset({BEFORE_SEND, BEFORE_CREATE, BEFORE_JOIN})
REFUSED = 10016
CUSTOM_CODES = range(10100, 10201)
QUEUED_WEBHOOKS = 100_000

Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acted: the device or REST caller a webhook names in its query."""

    platform: str
    client_ip: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver decided. `action` is allow, refuse, drop or failed."""

    action: str = "allow"
    code: int = 0
    info: str = ""
    body: object = None
    cloud_custom_data: object = None


@dataclass(slots=True)
class _Pending:
    command: str
    body: bytes
    origin: Origin | None


class Webhooks:
    """The sending side. `ask` waits for a before-type's decision, `tell` queues an after-type."""

    def __init__(self, config: SimulatorConfig, clock: Clock, faults: Faults) -> None:
        self._config = config
        self._clock = clock
        self._faults = faults
        self.settings: Settings = config.settings
        self.sent: Ring[WebhookRecord] = Ring()
        self.tally: dict[str, int] = {}
        self._queue: asyncio.Queue[_Pending] = asyncio.Queue(QUEUED_WEBHOOKS)
        self._workers: list[asyncio.Task[None]] = []
        self._poster: Poster | None = None
        self._unfinished = 0
        self._logged_at = 0.0
        self._unlogged = 0

    def start(self) -> None:
        if not self._config.webhook_url:
            return
        self._poster = Poster(self._config.webhook_url)
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.settings.webhook_connections)]

    async def stop(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._poster is not None:
            self._poster.close()
            self._poster = None

    def forget(self) -> None:
        """Drop what is queued and what was recorded; what is under way still arrives."""
        while not self._queue.empty():
            self._queue.get_nowait()
            self._unfinished -= 1
        self.sent.clear()

    @property
    def unfinished_count(self) -> int:
        """After-type webhooks queued or under way."""
        return self._unfinished

    def is_on(self, command: str) -> bool:
        return self._poster is not None and command not in self.settings.webhooks_off

    def body(self, command: str, fields: Body) -> Body:
        """The body every webhook shares, with EventTime in milliseconds."""
        event_time = int(self._clock.now() * 1000)
        return {
            "CallbackCommand": command,
            "EventTime": str(event_time) if self.settings.event_time_as_string else event_time,
            **fields,
        }

    async def ask(self, command: str, fields: Body, origin: Origin) -> Answer:
        """Ask before acting. Never raises; a webhook that fails is answered with action 'failed'."""
        if not self.is_on(command):
            return Answer()
        body = orjson.dumps(self.body(command, fields), option=orjson.OPT_SORT_KEYS)
        status, raw, _ = await self._send(command, body, origin, attempt=1)
        if status != 200 or not isinstance(raw, dict):
            return Answer(action="failed")
        return _read_answer(raw, can_drop=command == BEFORE_SEND)

    def tell(self, command: str, fields: Body, origin: Origin | None) -> None:
        """Report afterwards: queued and sent in the background."""
        if not self.is_on(command):
            return
        body = orjson.dumps(self.body(command, fields), option=orjson.OPT_SORT_KEYS)
        if self._queue.full():
            self._note_failure(command, "the queue of webhooks is full")
            return
        self._unfinished += 1
        self._queue.put_nowait(_Pending(command, body, origin))

    async def _work(self) -> None:
        while True:
            pending = await self._queue.get()
            try:
                is_done = await self._attempt(pending, 1)
                if not is_done and self.settings.webhook_retries:
                    await self._repeat(pending)
            finally:
                self._unfinished -= 1

    async def _repeat(self, pending: _Pending) -> None:
        waits = self.settings.webhook_retry_seconds or (1.0,)
        for repeat in range(self.settings.webhook_retries):
            await self._clock.sleep(waits[min(repeat, len(waits) - 1)])
            if await self._attempt(pending, repeat + 2):
                return

    async def _attempt(self, pending: _Pending, attempt: int) -> bool:
        status, raw, was_lost = await self._send(pending.command, pending.body, pending.origin, attempt=attempt)
        return was_lost or (status == 200 and isinstance(raw, dict))

    async def _send(
        self, command: str, body: bytes, origin: Origin | None, *, attempt: int
    ) -> tuple[int, object, bool]:
        """HTTP status (0 without one), the answer's JSON, and whether a fault lost the request on purpose."""
        fault = self._faults.take(command)
        if fault is not None and fault.kind == "delay" and command not in BEFORE_COMMANDS:
            await asyncio.sleep(fault.value)
        began = time.perf_counter()
        status, raw, error = 0, None, ""
        try:
            async with asyncio.timeout(self.settings.webhook_timeout_seconds):
                if fault is not None and fault.kind == "drop":
                    error = "dropped by a fault"
                else:
                    status, raw = await self._post(command, body, origin, fault)
        except TimeoutError:
            error = "no answer in time"
        except (PostError, OSError) as problem:
            error = f"{type(problem).__name__} {problem}".strip()
        if fault is not None and fault.kind == "http":
            status, raw = int(fault.value), None
        elif fault is not None and fault.kind == "code":
            status, raw = (
                200,
                {"ActionStatus": "OK", "ErrorCode": int(fault.value), "ErrorInfo": "ordered fault"},
            )
        if not error and status != 200:
            error = f"HTTP {status}"
        elif not error and not isinstance(raw, dict):
            error = "the answer is not a JSON object"
        milliseconds = (time.perf_counter() - began) * 1000
        answer_code = raw.get("ErrorCode") if isinstance(raw, dict) else None
        code = answer_code if isinstance(answer_code, int) else None
        at = self._clock.wall()
        self.sent.add(WebhookRecord(0, at, command, body, attempt, status, code, milliseconds, error))
        outcome = "failed" if error else "sent"
        self.tally[outcome] = self.tally.get(outcome, 0) + 1
        if error:
            self._note_failure(command, error)
        return status, raw, fault is not None and fault.kind == "drop"

    async def _post(self, command: str, body: bytes, origin: Origin | None, fault: Fault | None) -> tuple[int, object]:
        assert self._poster is not None
        status, content = await self._poster.post(self.query(command, origin), body)
        if fault is not None and fault.kind == "delay" and command in BEFORE_COMMANDS:
            await asyncio.sleep(fault.value)
        try:
            raw = read_json(content)
        except ValueError:
            raw = None
        return status, raw

    def query(self, command: str, origin: Origin | None) -> str:
        """The query keys in the documented order."""
        query = [
            ("SdkAppid", str(self._config.sdkappid)),
            ("CallbackCommand", command),
            ("contenttype", "json"),
        ]
        if origin is not None:
            platform = "IOS" if command == STATE_CHANGE and origin.platform == "iOS" else origin.platform
            query += [("ClientIP", origin.client_ip), ("OptPlatform", platform)]
        if self.settings.include_request_id:
            query.append(("RequestID", str(uuid.uuid4())))
        query += self._signature()
        return "&".join(f"{key}={quote(value, safe='')}" for key, value in query)

    def _signature(self) -> list[tuple[str, str]]:
        mode, token = self.settings.webhook_signature, self._config.webhook_token
        if mode == "off" or not token:
            return []
        requested_at = int(self._clock.wall()) - (61 if mode == "stale" else 0)
        if mode == "wrong":
            token += "x"
        sign = hashlib.sha256(f"{token}{requested_at}".encode()).hexdigest()
        return [("Sign", sign.upper() if mode == "upper" else sign), ("RequestTime", str(requested_at))]

    def _note_failure(self, command: str, error: str) -> None:
        """One line for a failure, and at most one a second."""
        now = time.monotonic()
        if now - self._logged_at < 1.0:
            self._unlogged += 1
            return
        more = f" ({self._unlogged} more failed since)" if self._unlogged else ""
        logger.warning("webhook %s failed: %s%s", command, error, more)
        self._logged_at, self._unlogged = now, 0


def _read_answer(raw: dict[str, object], *, can_drop: bool) -> Answer:
    code, info = raw.get("ErrorCode", 0), raw.get("ErrorInfo")
    text = info if isinstance(info, str) else ""
    if not isinstance(code, int) or isinstance(code, bool):
        return Answer(action="failed")
    if code == 0:
        return Answer(body=raw.get("MsgBody"), cloud_custom_data=raw.get("CloudCustomData"))
    if code == 2 and can_drop:
        return Answer(action="drop")
    if code in CUSTOM_CODES:
        return Answer(action="refuse", code=code, info=text)
    if code != 1:
        logger.warning("webhook answered the undocumented code %s; read as a refusal", code)
    return Answer(action="refuse", code=REFUSED, info=text)
