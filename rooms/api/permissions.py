"""Who calls, as whom services act for them, and the room they named. Every rule comes from `rooms.access`."""

from typing import cast

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotAuthenticated, NotFound, PermissionDenied
from rest_framework.request import Request

from rooms import access
from rooms.actors import Actor
from rooms.api.authentication import AppPrincipal
from rooms.models import Room, User


def caller_of(request: Request) -> AppPrincipal | User:
    caller = cast(object, request.user)
    if isinstance(caller, AppPrincipal | User):
        return caller
    raise NotAuthenticated


def actor_of(request: Request) -> Actor:
    caller = caller_of(request)
    return Actor.of_user(caller) if isinstance(caller, User) else Actor.of_app(caller.app_name)


def caller_name(request: Request) -> str:
    """The same for every key of an app, so that a changed key does not repeat what the old one began."""
    caller = caller_of(request)
    return f"user:{caller.pk}" if isinstance(caller, User) else f"app:{caller.app_id}"


def require(request: Request, permission: str) -> None:
    """Refuse with 403 unless the caller holds the permission for rooms at large."""
    if not access.may(caller_of(request), permission):
        raise PermissionDenied(_("Your role or key does not allow this."))


def room_for(request: Request, room_id: int, permission: str) -> Room:
    """The room, if the caller may do this with it; 404 if they may not even know of it."""
    caller = caller_of(request)
    room = access.visible_rooms(caller).filter(pk=room_id).first()
    if room is None:
        raise NotFound(_("There is no such room, or it is not yours to see."))
    if not access.may(caller, permission, room):
        raise PermissionDenied(_("Your role or key does not allow this in this room."))
    return room
