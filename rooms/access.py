"""Who may see and do what with rooms. Pages, API and live topics all ask here, and nowhere else.

A user acts through permissions of their groups; an anchor, besides, through being the anchor of a room; a business
app through the scopes of its key. What a caller may not see does not exist for them (404); what they may see but not
do is refused (403).
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.db.models import QuerySet

from rooms.models import ApiKey, Room

ANCHOR_PERMISSIONS: Final = frozenset(
    {
        "rooms.view_room",
        "rooms.change_room",
        "rooms.operate_room",
        "rooms.speak_room",
        "rooms.view_message",
        "rooms.view_membership",
        "rooms.view_outboxcommand",
        "rooms.retry_outboxcommand",
    }
)
_SCOPE_PERMISSIONS: Final = {
    ApiKey.Scope.ROOMS_READ: {"rooms.view_room", "rooms.view_membership", "rooms.view_outboxcommand"},
    ApiKey.Scope.ROOMS_WRITE: {
        "rooms.view_room",
        "rooms.add_room",
        "rooms.change_room",
        "rooms.operate_room",
        "rooms.view_outboxcommand",
        "rooms.retry_outboxcommand",
    },
    ApiKey.Scope.MESSAGES_READ: {"rooms.view_room", "rooms.view_message"},
    ApiKey.Scope.MESSAGES_WRITE: {"rooms.view_room", "rooms.speak_room", "rooms.view_outboxcommand"},
}

# The roles an installation starts with; their permissions can be edited in the admin afterwards.
ROLES: Final[dict[str, frozenset[str]]] = {
    "operator": frozenset({"rooms.add_room", *ANCHOR_PERMISSIONS}),
    "lead moderator": frozenset(ANCHOR_PERMISSIONS - {"rooms.change_room"}),
    "moderator": frozenset(
        {
            "rooms.view_room",
            "rooms.view_message",
            "rooms.view_membership",
            "rooms.speak_room",
            "rooms.view_outboxcommand",
        }
    ),
    "analyst": frozenset({"rooms.view_room", "rooms.view_message", "rooms.view_membership"}),
    "finance": frozenset({"rooms.view_room"}),
    "anchor": frozenset(),
}


class Caller(Protocol):
    """A user, or the principal of an API key (`rooms.api.authentication.AppPrincipal`)."""

    @property
    def pk(self) -> int | None: ...

    def has_perm(self, perm: str, obj: Any = None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """What one caller may do with one room, asked once and then read many times by a page."""

    permissions: frozenset[str]

    def __contains__(self, permission: str) -> bool:
        return permission in self.permissions


def visible_rooms(caller: Caller) -> QuerySet[Room]:
    """The rooms this caller may know of."""
    rooms = Room.objects.with_anchor()
    if caller.has_perm("rooms.view_room"):
        return rooms
    return rooms.filter(anchor_id=caller.pk) if caller.pk is not None else rooms.none()


def may(caller: Caller, permission: str, room: Room | None = None) -> bool:
    """Whether the caller holds the permission, for this room where one is given."""
    if caller.has_perm(permission):
        return True
    return room is not None and caller.pk == room.anchor_id and permission in ANCHOR_PERMISSIONS


def grant_for(caller: Caller, room: Room) -> Grant:
    return Grant(frozenset(name for name in {*ANCHOR_PERMISSIONS, "rooms.add_room"} if may(caller, name, room)))


def permissions_of_scopes(scopes: list[str]) -> frozenset[str]:
    """A scope nobody knows (any longer) allows nothing."""
    known = {scope: permissions for scope, permissions in _SCOPE_PERMISSIONS.items() if scope in scopes}
    return frozenset().union(*known.values())
