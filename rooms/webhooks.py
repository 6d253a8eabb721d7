"""The door in: verify, parse, decide, append, answer.

`answer` is one pure function over the request's query and body. It never waits: no database, no network, no
exception out. Two thin fronts stand before it: `ChatWebhooks` (plain ASGI, the fast one) and the Django view in
`rooms.views.webhooks`. What must not be lost is appended to the inbox before the answer leaves.
Rules: https://www.tencentcloud.com/document/product/1047/34354.
"""

import asyncio
import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson
from django.conf import settings

from rooms import deliveries, dispatch
from rooms.chat import protocol
from rooms.chat.config import ChatConfig
from rooms.inbox import Appender, Entry

logger = logging.getLogger(__name__)

BODY_BYTES_LIMIT: Final = 256 * 1024
FRESHNESS_SECONDS: Final = 60
POST_ONLY: Final = b'{"ActionStatus":"FAIL","ErrorInfo":"POST only","ErrorCode":405}'
_COMMAND: Final = re.compile(r"[A-Za-z0-9]{1,40}\.[A-Za-z0-9]{1,78}\Z")
_PLATFORM: Final = re.compile(r"[A-Za-z0-9]{0,16}\Z")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Reply:
    """What to answer and, unless the request was refused, what to append first."""

    status: int
    body: bytes
    entry: Entry | None = None


def answer(query: bytes, body: bytes, now: float) -> Reply:
    """Judge one webhook. `query` is the raw query string, `now` Unix seconds."""
    parameters = _parse_query(query)
    refusal = _refusal(parameters, body, now)
    if refusal is not None:
        return refusal
    command = parameters["CallbackCommand"]
    try:
        parsed = protocol.read_body(body)
    except ValueError:
        return _refuse(400, "the body is not a JSON object in UTF-8")
    decision = _decide(command, parsed)
    platform = parameters.get("OptPlatform", "")
    entry = Entry(
        command=command,
        platform=platform if _PLATFORM.match(platform) else "",
        request_time=parameters["RequestTime"],
        decision=decision.code,
        received_at=now,
        raw=body,
    )
    if decision is dispatch.ALLOW:
        return Reply(200, _SUCCESS, entry)
    reply = protocol.decision_answer(decision.code, decision.info, decision.elements, decision.cloud_custom_data)
    return Reply(200, reply, entry)


def _parse_query(query: bytes) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for part in query.decode("ascii", "replace").split("&"):
        name, _, value = part.partition("=")
        parameters[name] = unquote_plus(value) if "%" in value or "+" in value else value
    return parameters


def _refusal(parameters: dict[str, str], body: bytes, now: float) -> Reply | None:
    chat: ChatConfig = settings.CHAT
    if parameters.get("SdkAppid") != str(chat.sdkappid):
        return _refuse(403, "SdkAppid is not ours")
    request_time = parameters.get("RequestTime", "")
    given = parameters.get("Sign", "").lower().encode("ascii", "replace")
    is_signed = False
    for token in chat.webhook_tokens:
        is_signed |= hmac.compare_digest(protocol.signature(token, request_time).encode(), given)
    if not is_signed:
        return _refuse(403, "the signature is wrong")
    if not (request_time.isascii() and request_time.isdigit() and len(request_time) <= 12):
        return _refuse(403, "RequestTime is not a time")
    if abs(now - int(request_time)) > FRESHNESS_SECONDS:
        return _refuse(403, "the signature is stale")
    if len(body) > BODY_BYTES_LIMIT:
        return _refuse(413, "the body is too large")
    if not _COMMAND.match(parameters.get("CallbackCommand", "")):
        return _refuse(400, "CallbackCommand is missing or malformed")
    return None


def _refuse(status: int, reason: str) -> Reply:
    logger.warning("webhook refused: %s", reason)
    answer = {"ActionStatus": "FAIL", "ErrorInfo": reason, "ErrorCode": status}
    return Reply(status, orjson.dumps(answer))


def _decide(command: str, body: dict[str, Any]) -> dispatch.Decision:
    decider = dispatch.decider_for(command)
    if decider is None:
        return dispatch.ALLOW
    try:
        return decider(protocol.parse_callback(command, body))
    except Exception:
        # Chat would let the message pass after two seconds of silence; better at once, and with a trace here.
        logger.exception("decision failed for %s, allowed", command)
        return dispatch.ALLOW


def unkept(reply: Reply) -> Reply:
    """What to answer when the reply's callback could be stored nowhere.

    Chat repeats after-events that were not answered with 200, where its retry is switched on; a before-event has
    somebody waiting for the decision, and gets it.
    """
    if reply.entry is not None and "Before" in reply.entry.command:
        return reply
    return Reply(503, b'{"ActionStatus":"FAIL","ErrorInfo":"not stored","ErrorCode":503}')


class ChatWebhooks:
    """The plain ASGI front."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await _respond(send, 405, POST_ONLY)
            return
        message = await receive()
        body = message.get("body", b"")
        if message["type"] == "http.disconnect" or message.get("more_body", False):
            body = await _read_on(message, receive)
        if body is None:
            return
        reply = answer(scope["query_string"], body, time.time())
        if reply.entry is not None:
            try:
                await self._appender.append(reply.entry)
            except Exception as error:
                logger.warning("inbox unreachable, storing the callback directly: %s", type(error).__name__)
                if not await self._store(reply.entry):
                    reply = unkept(reply)
        if reply.body is _SUCCESS:
            await send(_SUCCESS_START)
            await send(_SUCCESS_BODY)
        else:
            await _respond(send, reply.status, reply.body)

    async def _store(self, entry: Entry) -> bool:
        """Without Redis: write the callback straight to the deliveries table."""
        try:
            await asyncio.to_thread(deliveries.store_directly, [entry])
            return True
        except Exception:
            logger.exception("callback %s could not be stored anywhere", entry.command)
            return False


async def _read_on(message: MutableMapping[str, Any], receive: Receive) -> bytes | None:
    """A body in several parts, cut just past the limit so that `answer` refuses it; None when the caller went away."""
    chunks: list[bytes] = []
    size = 0
    while message["type"] != "http.disconnect":
        chunk: bytes = message.get("body", b"")
        if size <= BODY_BYTES_LIMIT:
            chunks.append(chunk)
        size += len(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()
    return None


async def _respond(send: Send, status: int, body: bytes) -> None:
    await send(_start_of(status, body))
    await send({"type": "http.response.body", "body": body})


def _start_of(status: int, body: bytes) -> MutableMapping[str, Any]:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    return {"type": "http.response.start", "status": status, "headers": headers}


# Nearly every answer is this one; it is put together once.
_SUCCESS: Final = protocol.success_answer()
_SUCCESS_START: Final = _start_of(200, _SUCCESS)
_SUCCESS_BODY: Final = {"type": "http.response.body", "body": _SUCCESS}
