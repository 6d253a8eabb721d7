"""Chat's webhooks: what their signature is, what each body says, and what may be answered.

Everything here is a pure function over the query and the body; nothing is looked up and nothing is stored.
Field names and their variants follow https://www.tencentcloud.com/document/product/1047/34354.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from rooms.chat.elements import Element, from_wire, to_wire

Body = Mapping[str, Any]

BEFORE_SEND: Final = "Group.CallbackBeforeSendMsg"
AFTER_SEND: Final = "Group.CallbackAfterSendMsg"
JOINED: Final = "Group.CallbackAfterNewMemberJoin"
EXITED: Final = "Group.CallbackAfterMemberExit"
MEMBER_STATE: Final = "Group.CallbackOnMemberStateChange"
GROUP_INFO_CHANGED: Final = "Group.CallbackAfterGroupInfoChanged"
GROUP_DESTROYED: Final = "Group.CallbackAfterGroupDestroyed"
STATE_CHANGED: Final = "State.StateChange"

# Refusals with an own code must lie here, for group commands: anything else Chat reads as 10016.
CUSTOM_CODES: Final = range(10100, 10201)

_INTEGER_LIMIT: Final = 2**63
# Half of a surrogate pair, escaped: valid JSON, but no character. The other two alternatives are read over.
_LONE_SURROGATE: Final = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


@lru_cache(maxsize=256)
def signature(token: str, request_time: str) -> str:
    """The `Sign` Chat sends: lower-case hex SHA-256 of token and RequestTime, token first.

    Remembered, because all webhooks of a second carry the same.
    """
    return hashlib.sha256(f"{token}{request_time}".encode()).hexdigest()


@dataclass(slots=True)
class MessageSent:
    """A message before (`seq` and `sent_at` are None) or after delivery. Not frozen: that triples what one costs."""

    group_id: str
    account: str
    operator: str
    random: int
    msg_id: str
    seq: int | None
    sent_at: datetime | None
    event_at: datetime | None
    priority: str
    elements: list[Element]
    cloud_custom_data: str


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """Accounts that are now inside (`is_present`) or gone; `cause` is Chat's own word, lower-cased."""

    group_id: str
    accounts: tuple[str, ...]
    is_present: bool
    cause: str
    event_at: datetime | None


@dataclass(frozen=True, slots=True)
class GroupInfoChanged:
    """Only the fields that changed are not None."""

    group_id: str
    operator: str
    name: str | None
    introduction: str | None
    notification: str | None
    face_url: str | None
    event_at: datetime | None


@dataclass(frozen=True, slots=True)
class GroupDestroyed:
    group_id: str
    event_at: datetime | None


@dataclass(frozen=True, slots=True)
class StateChanged:
    """An account's connection, not bound to a room; classified by Reason, which is stable across versions."""

    account: str
    is_online: bool
    reason: str
    event_at: datetime | None


Callback = MessageSent | PresenceChanged | GroupInfoChanged | GroupDestroyed | StateChanged


def parse_callback(command: str, body: Body) -> Callback | None:
    """The callback of a command this module knows; None for the others. Never raises on odd field types."""
    if command in (BEFORE_SEND, AFTER_SEND):
        return MessageSent(
            group_id=_text(body, "GroupId"),
            account=_text(body, "From_Account"),
            operator=_text(body, "Operator_Account"),
            random=_integer(body, "Random") or 0,
            msg_id=_text(body, "MsgId"),
            seq=_integer(body, "MsgSeq"),
            sent_at=_seconds(body, "MsgTime"),
            event_at=event_time(body),
            priority=_text(body, "MsgPriority"),
            elements=from_wire(body.get("MsgBody")),
            cloud_custom_data=_text(body, "CloudCustomData"),
        )
    if command == JOINED:
        return PresenceChanged(_text(body, "GroupId"), _members(body, "NewMemberList"), True, "join", event_time(body))
    if command == EXITED:
        cause = _text(body, "ExitType").lower() or "quit"
        return PresenceChanged(_text(body, "GroupId"), _members(body, "ExitMemberList"), False, cause, event_time(body))
    if command == MEMBER_STATE:
        is_present = _text(body, "EventType") == "Online"
        cause = _text(body, "EventCause").lower()
        return PresenceChanged(
            _text(body, "GroupId"), _members(body, "MemberList"), is_present, cause, event_time(body)
        )
    if command == GROUP_INFO_CHANGED:
        return GroupInfoChanged(
            group_id=_text(body, "GroupId"),
            operator=_text(body, "Operator_Account"),
            name=_optional_text(body, "Name"),
            introduction=_optional_text(body, "Introduction"),
            notification=_optional_text(body, "Notification"),
            face_url=_optional_text(body, "FaceUrl"),
            event_at=event_time(body),
        )
    if command == GROUP_DESTROYED:
        return GroupDestroyed(_text(body, "GroupId"), event_time(body))
    if command == STATE_CHANGED:
        info = body.get("Info")
        info = info if isinstance(info, dict) else {}
        reason = _text(info, "Reason")
        return StateChanged(_text(info, "To_Account"), reason == "Register", reason, event_time(body))
    return None


def read_body(raw: bytes) -> dict[str, Any]:
    """The JSON object of a webhook's body; raises ValueError when it is none.

    A client can write half a surrogate pair into a message, which no database and no browser takes: it becomes U+FFFD,
    so that such a message is neither lost nor spared the screening.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = orjson.loads(_LONE_SURROGATE.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], raw))
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")
    return body


def event_time(body: Body) -> datetime | None:
    """`EventTime` in milliseconds, which some bodies print as a string and some leave out."""
    milliseconds = _integer(body, "EventTime")
    return _instant(milliseconds / 1000) if milliseconds else None


def dedupe_key(command: str, body: Body, raw: bytes, request_time: str) -> str:
    """What makes two deliveries the same event, at most 200 characters.

    A delivered message is known by its group, seq and time. Everything else is known by its bytes; bodies without
    a time of their own (alerts, moderation results) count the request's time as part of the event.
    """
    if command == AFTER_SEND and (seq := _integer(body, "MsgSeq")):
        group = hashlib.sha256(_text(body, "GroupId").encode()).hexdigest()[:32]
        return f"{command}:{group}:{seq}:{_integer(body, 'MsgTime') or 0}"
    digest = hashlib.sha256(raw)
    if not any(key in body for key in ("EventTime", "MsgKey", "CtxcbRequestId")):
        digest.update(request_time.encode())
    return f"{command[:120]}:{digest.hexdigest()}"


def success_answer() -> bytes:
    return b'{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}'


def decision_answer(
    code: int, info: str = "", elements: list[Element] | None = None, cloud_custom_data: str | None = None
) -> bytes:
    """Answer to a before callback: 0 deliver (with an optional replacement), 1 refuse, 2 drop, 10100-10200 own code."""
    answer: dict[str, Any] = {"ActionStatus": "OK", "ErrorInfo": info, "ErrorCode": code}
    if elements is not None:
        answer["MsgBody"] = to_wire(elements)
    if cloud_custom_data is not None:
        answer["CloudCustomData"] = cloud_custom_data
    return orjson.dumps(answer)


def _text(body: Body, key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def _optional_text(body: Body, key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) else None


def _integer(body: Body, key: str) -> int | None:
    """A whole number that fits a signed 64-bit column, also where it is printed as text."""
    value = body.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -_INTEGER_LIMIT <= value < _INTEGER_LIMIT else None


def _seconds(body: Body, key: str) -> datetime | None:
    seconds = _integer(body, key)
    return _instant(seconds) if seconds else None


def _instant(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _members(body: Body, key: str) -> tuple[str, ...]:
    value = body.get(key)
    if not isinstance(value, list):
        return ()
    accounts = (item.get("Member_Account") for item in value if isinstance(item, dict))
    return tuple(account for account in accounts if isinstance(account, str) and account)
