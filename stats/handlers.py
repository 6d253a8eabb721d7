"""What stats learn from webhooks, counted in the transaction that stores them. Registered in `StatsConfig.ready`."""

from datetime import datetime

from rooms import dispatch
from rooms.chat import protocol
from rooms.chat.protocol import MessageSent, PresenceChanged
from rooms.dispatch import Batch, Event
from stats.rollups import Increment, add_minutes

_COMMANDS = [protocol.BEFORE_SEND, protocol.AFTER_SEND, protocol.JOINED, protocol.EXITED]


def register() -> None:
    dispatch.register_handler(_COMMANDS, count_minutes)


def count_minutes(batch: Batch, events: list[Event]) -> None:
    """Count messages, joins and exits by room and minute of their own time."""
    increments: dict[tuple[int, datetime], Increment] = {}
    for event in events:
        callback = event.callback
        if not isinstance(callback, MessageSent | PresenceChanged) or callback.group_id not in batch.rooms:
            continue
        at = callback.event_at or event.received_at
        key = (batch.rooms[callback.group_id], at.replace(second=0, microsecond=0))
        increment = increments.setdefault(key, Increment())
        if isinstance(callback, MessageSent):
            if event.command == protocol.BEFORE_SEND:
                increment.before_count += 1
            else:
                increment.message_count += 1
        elif callback.is_present:
            increment.join_count += len(callback.accounts)
        else:
            increment.exit_count += len(callback.accounts)
    add_minutes(increments)
