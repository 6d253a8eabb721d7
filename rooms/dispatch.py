"""The registry between Chat's webhooks and what Greenroom does with them: command -> handlers, command -> decision.

Apps register when they start. A handler gets, of one batch, all events of the commands it named, in the order Chat
sent them, inside the transaction that stores the deliveries; what it tells watchers it hands to the batch.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from rooms.chat.elements import Element
from rooms.chat.protocol import Callback
from rooms.live import Payload

logger = logging.getLogger(__name__)

# Commands that are understood and deliberately left alone: nothing in a live room follows from them.
IGNORED: Final = frozenset(
    {
        "Alert.RequestOverLimit",
        "Bot.OnC2CMessage",
        "Bot.OnGroupMessage",
        "C2C.CallbackAfterMsgReport",
        "C2C.CallbackAfterMsgWithDraw",
        "C2C.CallbackAfterSendMsg",
        "C2C.CallbackBeforeSendMsg",
        "ContentCallback.ResultNotify",
        "Group.CallbackAfterChangeGroupOwner",
        "Group.CallbackAfterCreateGroup",
        "Group.CallbackAfterGroupAttrChanged",
        "Group.CallbackAfterGroupFull",
        "Group.CallbackAfterGroupMsgExtension",
        "Group.CallbackAfterMemberFieldChanged",
        "Group.CallbackAfterModifyMsg",
        "Group.CallbackAfterReadReceipt",
        "Group.CallbackAfterRecallMsg",
        "Group.CallbackBeforeApplyJoinGroup",
        "Group.CallbackBeforeCreateGroup",
        "Group.CallbackBeforeInviteJoinGroup",
        "Group.CallbackOnDailyGroupQuotaAlarm",
        "Group.CallbackSendMsgException",
        "Profile.CallbackPortraitSet",
    }
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Answer to a before callback: 0 deliver, 1 refuse, 2 drop silently, 10100-10200 refuse with an own code."""

    code: int = 0
    info: str = ""
    elements: list[Element] | None = None
    cloud_custom_data: str | None = None


ALLOW: Final = Decision()


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery after parsing. `callback` is None for commands that nothing parses."""

    command: str
    callback: Callback | None
    decision: int
    platform: str
    received_at: datetime


@dataclass(slots=True)
class Batch:
    """Events of one transaction in arrival order; `rooms` maps the group ids that are ours to room ids."""

    events: list[Event]
    rooms: dict[str, int]
    notes: list[tuple[str, str, Payload]] = field(default_factory=list)

    def tell(self, topic: str, event: str, payload: Payload) -> None:
        """Publish to watchers once the transaction has committed."""
        self.notes.append((topic, event, payload))


Handler = Callable[[Batch, list[Event]], None]
Decider = Callable[[Any], Decision]

_handlers: list[tuple[frozenset[str], Handler]] = []
_deciders: dict[str, Decider] = {}


def register_handler(commands: Iterable[str], handler: Handler) -> None:
    _handlers.append((frozenset(commands), handler))


def register_decider(command: str, decider: Decider) -> None:
    """`decider(callback)` answers a before callback from memory alone; one command has one decider."""
    _deciders[command] = decider


def decider_for(command: str) -> Decider | None:
    return _deciders.get(command)


def is_handled(command: str) -> bool:
    return command in _deciders or any(command in commands for commands, _ in _handlers)


def handle(batch: Batch) -> None:
    """Run every handler over its share of the batch; an exception undoes the whole batch."""
    for commands, handler in _handlers:
        events = [event for event in batch.events if event.command in commands]
        if events:
            handler(batch, events)
