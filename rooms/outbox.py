"""The door out: what is meant for Chat, written in the same transaction as the change that means it.

A service records a command and never calls Chat. May import models, the enqueue helper and tasks; never the courier
or the Chat client. What is recorded here is carried out at least once by `rooms.courier`, and settled exactly once.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.celery import enqueue
from rooms import live
from rooms.actors import Actor
from rooms.errors import NotRetryable
from rooms.models import AuditEntry, OutboxCommand, Room
from rooms.tasks import deliver_command


def record(
    room: Room,
    *,
    call: str,
    payload: Mapping[str, Any],
    label: str,
    actor: Actor,
    queue: str = OutboxCommand.Queue.URGENT,
    lane: str = "",
    supersedes: str = "",
) -> OutboxCommand:
    """Write down one Chat call for a room and enqueue it on commit.

    A pending command with the same `supersedes` key is settled as superseded at once; one that is being sent finishes
    first, because both share the lane.
    """
    now = timezone.now()
    if supersedes:
        _supersede(supersedes, lane=lane)
    command = OutboxCommand.objects.create(
        room=room,
        call=call,
        payload=dict(payload),
        label=label,
        queue=queue,
        lane=lane,
        supersedes=supersedes,
        random=secrets.randbits(32),
        next_attempt_at=now,
        actor_name=actor.name,
    )
    enqueue(deliver_command, command.pk, queue=queue)
    live.publish_on_commit(room.topic, "commands", {"room": room.pk})
    return command


def _supersede(key: str, *, lane: str) -> None:
    """Settle pending commands of this key; one may have headed its lane, so whoever heads it now is looked at."""
    replaced = OutboxCommand.objects.filter(supersedes=key, state=OutboxCommand.State.PENDING).update(
        state=OutboxCommand.State.SUPERSEDED, settled_at=timezone.now()
    )
    if replaced and lane:
        waiting = OutboxCommand.objects.filter(lane=lane, state=OutboxCommand.State.PENDING).order_by("pk")
        for pk, queue in waiting.values_list("pk", "queue")[:1]:
            enqueue(deliver_command, pk, queue=queue)


def retry(command: OutboxCommand, *, actor: Actor) -> None:
    """Send a failed command again, with the same Random; refused unless it has failed."""
    with transaction.atomic():
        changed = OutboxCommand.objects.filter(pk=command.pk, state=OutboxCommand.State.FAILED).update(
            state=OutboxCommand.State.PENDING,
            attempt_count=0,
            next_attempt_at=timezone.now(),
            error_code=0,
            error_text="",
            settled_at=None,
        )
        if changed != 1:
            raise NotRetryable(_("Only a failed command can be tried again."))
        newer = OutboxCommand.objects.filter(supersedes=command.supersedes, pk__gt=command.pk)
        if command.supersedes and newer.exists():
            raise NotRetryable(_("A newer command has replaced this one."))
        AuditEntry.objects.create(
            verb="rooms.command.retried",
            room_id=command.room_id,
            actor_kind=actor.kind,
            actor_name=actor.name,
            actor_user=actor.user,
            changes={"command": command.pk, "call": command.call},
        )
        enqueue(deliver_command, command.pk, queue=command.queue)
        if command.room is not None:
            live.publish_on_commit(command.room.topic, "commands", {"room": command.room_id})
