"""The REST gateway: URL, UserSig, rate, JSON, then the command's handler, then the envelope.

HTTP status is 200 whatever happens; success is in the body (rest-api §1.2).
"""

from __future__ import annotations

import asyncio
import time

from .codes import TEXTS, RefusedError
from .commands import Call, Entry, table
from .commands.fields import Body, Fields
from .frequency import SlidingSecond
from .http import BodyTooLargeError, Request, read_json
from .hub import Simulator
from .records import CallRecord
from .usersig import verify
from .webhooks import Origin

HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"X-Requested-With"),
    (b"access-control-allow-methods", b"POST"),
)
JSON_CODES = {"openim": 90001, "all_member_push": 90001, "timpush": 90001, "openconfigsvr": 130001}
LARGE_CODES = {"send_group_msg": 80002, "sendmsg": 93000, "batchsendmsg": 93000}
LOCK_SECONDS = 60.0


class Gateway:
    """Answers everything under /v4/."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._table = table()
        self._commands = {name.split("/")[1] for name in self._table}

    async def answer(self, request: Request) -> None:
        """Serve one call, with the faults ordered for it; whatever goes wrong is a published code."""
        segments = request.segments
        service, command = [*segments, "", ""][1:3] if len(segments) <= 3 else ("", "")
        began = time.perf_counter()
        fault = self._simulator.faults.take(command, f"{service}/{command}") if command else None
        body, identifier = b"", ""
        reply: Body
        if fault is not None and fault.kind == "http":
            await request.respond(int(fault.value), b"ordered fault", "text/plain")
            self._note(service, command, identifier, b"", -int(fault.value), began)
            return
        if fault is not None and fault.kind == "drop" and not fault.value:
            self._note(service, command, identifier, b"", -1, began)
            await request.hang_up()
            return
        try:
            if request.method not in ("GET", "POST"):
                raise RefusedError(60002)
            query = request.query()
            identifier = query.get("identifier", "")
            body = await request.body(self._simulator.settings.max_body_bytes)
            if fault is not None and fault.kind == "code":
                raise RefusedError(int(fault.value), TEXTS.get(int(fault.value), "ordered fault"))
            entry = self._entry(service, command)
            self._check_query(query)
            self._check_caller(query)
            self._check_rate(f"{service}/{command}", entry)
            fields = Fields(_parse(body, service), entry.bad_code)
            origin = Origin("RESTAPI", request.client_ip)
            extra = await entry.handler(Call(self._simulator, fields, identifier, origin))
            reply = {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, **extra}
        except RefusedError as refusal:
            reply = _failure(refusal)
        except BodyTooLargeError:
            reply = _failure(RefusedError(LARGE_CODES.get(command, 60002)))
        except ConnectionError:
            return
        except ValueError:
            reply = _failure(RefusedError(60002))
        code = reply["ErrorCode"]
        assert isinstance(code, int)
        self._note(service, command, identifier, body, code, began)
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.value)
        if fault is not None and fault.kind == "drop":
            await request.hang_up()
            return
        await request.json(reply, headers=HEADERS)

    def _entry(self, service: str, command: str) -> Entry:
        entry = self._table.get(f"{service}/{command}")
        if entry is None:
            raise RefusedError(60008 if command in self._commands else 60009)
        return entry

    def _check_query(self, query: dict[str, str]) -> None:
        if not self._simulator.settings.strict_query:
            return
        number = query.get("random", "")
        if not (number.isascii() and number.isdigit()) or len(number) > 10 or int(number) >= 2**32:
            raise RefusedError(60002)
        if query.get("contenttype") != "json":
            raise RefusedError(60002)

    def _check_caller(self, query: dict[str, str]) -> None:
        config = self._simulator.config
        appid = query.get("sdkappid", "")
        if not appid:
            raise RefusedError(60012)
        if not (appid.isascii() and appid.isdigit()) or len(appid) > 18 or int(appid) != config.sdkappid:
            raise RefusedError(60006)
        identifier = query.get("identifier", "")
        if not identifier:
            raise RefusedError(60004)
        self._refuse_locked(identifier)
        try:
            verify(
                query.get("usersig", ""),
                sdkappid=config.sdkappid,
                identifier=identifier,
                secret_key=config.secret_key,
                now=self._simulator.clock.wall(),
            )
        except RefusedError:
            self._remember_failure(identifier)
            raise
        if identifier not in config.admin_accounts:
            raise RefusedError(60010)

    def _refuse_locked(self, identifier: str) -> None:
        allowed = self._simulator.settings.failed_signatures_before_lock
        if not allowed:
            return
        oldest = self._simulator.clock.wall() - LOCK_SECONDS
        failures = [at for at in self._simulator.failed_signatures.get(identifier, []) if at > oldest]
        if len(failures) >= allowed:
            raise RefusedError(70050)

    def _remember_failure(self, identifier: str) -> None:
        allowed = self._simulator.settings.failed_signatures_before_lock
        if not allowed:
            return
        failures = self._simulator.failed_signatures
        if len(failures) > 1000:
            failures.clear()
        failures.setdefault(identifier[:64], []).append(self._simulator.clock.wall())
        del failures[identifier[:64]][:-allowed]

    def _check_rate(self, name: str, entry: Entry) -> None:
        settings = self._simulator.settings
        window = self._simulator.rates.setdefault(name, SlidingSecond())
        limit = settings.rest_rate_limit if entry.rate is None else entry.rate
        if not window.take(self._simulator.clock.now(), limit):
            raise RefusedError(entry.rate_code or settings.rest_rate_code)

    def _note(self, service: str, command: str, identifier: str, body: bytes, code: int, began: float) -> None:
        milliseconds = (time.perf_counter() - began) * 1000
        at = self._simulator.clock.wall()
        self._simulator.calls.add(
            CallRecord(0, at, service[:64], command[:64], identifier[:64], body, code, milliseconds)
        )


def _parse(body: bytes, service: str) -> Body:
    try:
        value = read_json(body)
    except ValueError as error:
        raise RefusedError(JSON_CODES.get(service, 60003)) from error
    if not isinstance(value, dict):
        raise RefusedError(JSON_CODES.get(service, 60003))
    return value


def _failure(refusal: RefusedError) -> Body:
    return {"ActionStatus": "FAIL", "ErrorInfo": refusal.info, "ErrorCode": refusal.code}
