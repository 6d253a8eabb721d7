"""Callbacks as Chat sends them, for tests of the door, the inbox and the handlers."""

import itertools
import time
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings

from rooms import deliveries
from rooms.chat import protocol
from rooms.inbox import Entry, Reader

_numbers = itertools.count(1)


def signed_query(command: str, *, at: float | None = None, token: str = "", **changes: str | None) -> str:
    """The query of a good webhook; a key given as None is left out."""
    request_time = str(int(time.time() if at is None else at))
    query = {
        "SdkAppid": str(settings.CHAT.sdkappid),
        "CallbackCommand": command,
        "contenttype": "json",
        "ClientIP": "203.0.113.61",
        "OptPlatform": "iOS",
        "Sign": protocol.signature(token or settings.CHAT.webhook_tokens[0], request_time),
        "RequestTime": request_time,
        **changes,
    }
    return urlencode({key: value for key, value in query.items() if value is not None})


def message_body(
    group_id: str, seq: int, text: str = "hello", *, at: float | None = None, **more: Any
) -> dict[str, Any]:
    """The body of a delivered message."""
    sent_at = time.time() if at is None else at
    return {
        "CallbackCommand": protocol.AFTER_SEND,
        "GroupId": group_id,
        "Type": "AVChatRoom",
        "From_Account": "amy",
        "Operator_Account": "amy",
        "Random": seq,
        "MsgSeq": seq,
        "MsgTime": int(sent_at),
        "MsgId": f"144115-{int(sent_at)}-{seq}",
        "MsgPriority": "Normal",
        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}],
        "EventTime": int(sent_at * 1000),
        **more,
    }


def presence_body(command: str, group_id: str, *accounts: str, at: float, **more: Any) -> dict[str, Any]:
    """The body of a join, an exit or a member's state."""
    key = {
        protocol.JOINED: "NewMemberList", protocol.EXITED: "ExitMemberList", protocol.MEMBER_STATE: "MemberList"
    }[command]  # fmt: skip
    return {
        "CallbackCommand": command,
        "GroupId": group_id,
        "Type": "AVChatRoom",
        key: [{"Member_Account": account} for account in accounts],
        "EventTime": int(at * 1000),
        **more,
    }


def entry(command: str, body: dict[str, Any] | bytes, *, platform: str = "iOS", received_at: float = 0) -> Entry:
    """What the door appends for this callback."""
    return Entry(
        command=command,
        platform=platform,
        request_time=str(1767240000 + next(_numbers)),
        decision=0,
        received_at=received_at or round(time.time(), 6),
        raw=body if isinstance(body, bytes) else orjson.dumps(body),
    )


def message_entry(group_id: str, seq: int, text: str = "hello", *, platform: str = "iOS", **more: Any) -> Entry:
    return entry(protocol.AFTER_SEND, message_body(group_id, seq, text, **more), platform=platform)


def ingest_all(*, batch: int = 500) -> None:
    """Read and handle what is in the inbox and the table; every error comes out."""
    reader = Reader()
    while deliveries.handle_stored(limit=batch):
        pass
    # The first read finds what an earlier reader left, or creates the consumer group.
    is_new = True
    while (reads := reader.read(limit=batch, block_milliseconds=1)) or is_new:
        is_new = False
        if reads:
            deliveries.store_and_handle([entry for read in reads for entry in read.entries])
            reader.acknowledge(reads)
