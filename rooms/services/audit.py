from typing import Any

from rooms.actors import Actor
from rooms.models import AuditEntry, Room


def write_entry(room: Room, *, verb: str, actor: Actor, changes: dict[str, Any]) -> AuditEntry:
    """Add one audit entry inside the caller's transaction. `changes` maps fields to `[before, after]` or a value."""
    return AuditEntry.objects.create(
        verb=verb,
        room=room,
        actor_kind=actor.kind,
        actor_name=actor.name,
        actor_user=actor.user,
        changes=changes,
    )
