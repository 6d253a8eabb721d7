"""The door out: how an intended Chat call is carried out, settled, retried and swept.

The only module that calls `rooms.chat.client`. May import models, quotas and live; never services, outbox or tasks.
Whatever happens to a worker, a command is settled exactly once: every step is a conditional update of its row, and a
lease tells others how long to leave it alone.
"""

import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop
from redis import RedisError

from rooms import live, quotas
from rooms.chat.client import ChatClient, SentMessage
from rooms.chat.errors import ChatError, ChatRateLimited
from rooms.models import OutboxCommand, Room

logger = logging.getLogger(__name__)

State = OutboxCommand.State

LEASE_SECONDS: Final = 20
ATTEMPT_LIMIT: Final = 8
QUOTA_WAIT_SECONDS: Final = 1.0
# Chat forgets a Random after five minutes; a repeat after that could reach the room twice.
REPEAT_WINDOW: Final = timedelta(minutes=4, seconds=30)
OVERDUE: Final = timedelta(seconds=5)
_SETUP_CALLS: Final = frozenset({"account_import", "create_group"})
# Refusals that mean the wanted state is there already: the group is ours, or gone as asked.
_ALREADY_DONE: Final = {"create_group": 10025, "destroy_group": 10010}
_TOO_LATE_TEXT: Final = gettext_noop("It is not known whether Chat got this message, and too late to repeat it safely.")


@dataclass(frozen=True, slots=True)
class Nudge:
    """A command to look at next, and when."""

    command_id: int
    queue: str
    countdown_seconds: float = 0.0


@cache
def client() -> ChatClient:
    return ChatClient(settings.CHAT)


def deliver(command_id: int) -> list[Nudge]:
    """Carry out one command if it is its turn; returns the commands to look at afterwards."""
    command = OutboxCommand.objects.select_related("room").filter(pk=command_id).first()
    if command is None or command.is_settled or _is_behind_others(command):
        return []
    if _waits_for_group(command):
        return _postpone(command, 1.0)
    if not _claim(command):
        return []
    if _is_replaced(command):
        return _settle(command, State.SUPERSEDED)
    if _is_too_late(command):
        return _settle(command, State.FAILED, text=_TOO_LATE_TEXT)
    try:
        wait = _wait_for_quota(command)
    except RedisError:
        wait = 1.0
    if wait:
        return _release(command, wait)
    return _carry_out(command)


def overdue() -> list[Nudge]:
    """Commands that should have been taken by now: enqueued into a dead broker, or held by a dead worker."""
    now = timezone.now()
    is_waiting = Q(state=State.PENDING, next_attempt_at__lt=now - OVERDUE)
    is_abandoned = Q(state=State.SENDING, leased_until__lt=now)
    commands = OutboxCommand.objects.filter(is_waiting | is_abandoned).order_by("next_attempt_at")[:1000]
    return [Nudge(pk, queue) for pk, queue in commands.values_list("pk", "queue")]


def _is_behind_others(command: OutboxCommand) -> bool:
    """Whether an earlier command of the lane is unsettled; settling that one nudges this one."""
    if not command.lane:
        return False
    return OutboxCommand.objects.filter(
        lane=command.lane, pk__lt=command.pk, state__in=[State.PENDING, State.SENDING]
    ).exists()


def _waits_for_group(command: OutboxCommand) -> bool:
    room = command.room
    if command.lane or room is None or room.has_group or command.call in _SETUP_CALLS:
        return False
    return OutboxCommand.objects.filter(
        room=room, call="create_group", state__in=[State.PENDING, State.SENDING]
    ).exists()


def _claim(command: OutboxCommand) -> bool:
    now = timezone.now()
    is_due = Q(state=State.PENDING, next_attempt_at__lte=now + timedelta(milliseconds=50))
    is_abandoned = Q(state=State.SENDING, leased_until__lt=now)
    claimed = OutboxCommand.objects.filter(is_due | is_abandoned, pk=command.pk).update(
        state=State.SENDING,
        leased_until=now + timedelta(seconds=LEASE_SECONDS),
        attempt_count=F("attempt_count") + 1,
    )
    if claimed == 1:
        command.refresh_from_db(fields=["state", "attempt_count", "leased_until"])
    return claimed == 1


def _is_replaced(command: OutboxCommand) -> bool:
    if not command.supersedes:
        return False
    return OutboxCommand.objects.filter(supersedes=command.supersedes, pk__gt=command.pk).exists()


def _is_too_late(command: OutboxCommand) -> bool:
    is_repeat = command.call == "send_group_msg" and command.attempt_count > 1
    return is_repeat and timezone.now() - command.created_at > REPEAT_WINDOW and command.error_code == 0


def _wait_for_quota(command: OutboxCommand) -> float:
    """0.0 once admitted; the remaining seconds if the quota did not open within QUOTA_WAIT_SECONDS."""
    limits = quotas.limits_for(
        command.call,
        group_id=command.payload.get("group_id", ""),
        priority=command.payload.get("priority", "Normal"),
    )
    deadline = time.monotonic() + QUOTA_WAIT_SECONDS
    while wait := quotas.admit(limits):
        if time.monotonic() + wait > deadline:
            return wait
        time.sleep(wait)
    return 0.0


def _carry_out(command: OutboxCommand) -> list[Nudge]:
    arguments = dict(command.payload)
    if command.call == "send_group_msg":
        arguments["random"] = command.random
    try:
        result = getattr(client(), command.call)(**arguments)
        if isinstance(result, SentMessage) and result.drop_reason:
            raise ChatRateLimited(10023, f"Chat dropped the message ({result.drop_reason}).")
    except ChatError as error:
        if error.code and error.code == _ALREADY_DONE.get(command.call):
            return _settle(command, State.APPLIED)
        if error.is_permanent or command.attempt_count >= ATTEMPT_LIMIT:
            return _settle(command, State.FAILED, code=error.code, text=error.text)
        backoff = min(2.0 ** (command.attempt_count - 1), 60.0) * random.uniform(0.8, 1.2)
        return _release(command, backoff, code=error.code, text=error.text)
    except Exception as error:
        logger.exception("outbox command %s could not be built", command.pk)
        return _settle(command, State.FAILED, text=f"The call could not be built ({type(error).__name__}).")
    return _settle(command, State.APPLIED, seq=result.seq if isinstance(result, SentMessage) else None)


def _settle(
    command: OutboxCommand,
    state: "OutboxCommand.State",
    *,
    code: int = 0,
    text: str = "",
    seq: int | None = None,
) -> list[Nudge]:
    settled = OutboxCommand.objects.filter(
        pk=command.pk, state=State.SENDING, attempt_count=command.attempt_count
    ).update(
        state=state,
        settled_at=timezone.now(),
        leased_until=None,
        error_code=code,
        error_text=text[:500],
        message_seq=seq or None,
    )
    if settled != 1:
        return []
    if state == State.APPLIED and command.call == "create_group" and command.room is not None:
        Room.objects.filter(pk=command.room.pk).update(has_group=True, group_destroyed_at=None)
    _tell_watchers(command)
    return list(_next_in_lane(command))


def _release(command: OutboxCommand, wait: float, *, code: int = 0, text: str = "") -> list[Nudge]:
    """Give the command back for a later attempt; an attempt that never reached Chat does not count."""
    has_been_tried = bool(text)
    OutboxCommand.objects.filter(pk=command.pk, state=State.SENDING, attempt_count=command.attempt_count).update(
        state=State.PENDING,
        leased_until=None,
        next_attempt_at=timezone.now() + timedelta(seconds=wait),
        attempt_count=command.attempt_count if has_been_tried else command.attempt_count - 1,
        error_code=code,
        error_text=text[:500],
    )
    if has_been_tried:
        _tell_watchers(command)
    return [Nudge(command.pk, command.queue, wait)]


def _postpone(command: OutboxCommand, wait: float) -> list[Nudge]:
    OutboxCommand.objects.filter(pk=command.pk, state=State.PENDING).update(
        next_attempt_at=timezone.now() + timedelta(seconds=wait)
    )
    return [Nudge(command.pk, command.queue, wait)]


def _next_in_lane(command: OutboxCommand) -> Iterator[Nudge]:
    if command.lane:
        following = OutboxCommand.objects.filter(lane=command.lane, state=State.PENDING).order_by("pk")
        for pk, queue in following.values_list("pk", "queue")[:1]:
            yield Nudge(pk, queue)


def _tell_watchers(command: OutboxCommand) -> None:
    if command.room is not None:
        live.publish(command.room.topic, "commands", {"room": command.room_id})
