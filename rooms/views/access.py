"""The gate of every room's pages: sign in (302), see the room (404), be allowed (403). Asks `rooms.access` only."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django_htmx.middleware import HtmxDetails

from rooms.access import Grant, grant_for, visible_rooms
from rooms.models import Room, User

P = ParamSpec("P")


class ConsoleRequest(HttpRequest):
    """A request of somebody who has signed in."""

    user: User
    htmx: HtmxDetails


RoomView = Callable[Concatenate[ConsoleRequest, Room, Grant, P], HttpResponse]
PlainView = Callable[..., HttpResponse]


def room_view(permission: str) -> Callable[[RoomView[P]], PlainView]:
    """Hand the view its room and what the user may do there; the view takes both instead of `room_id`."""

    def decorate(view: RoomView[P]) -> PlainView:
        @login_required
        @wraps(view)
        def gate(request: Any, room_id: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            room = get_object_or_404(visible_rooms(request.user), pk=room_id)
            grant = grant_for(request.user, room)
            if permission not in grant:
                raise PermissionDenied
            return view(request, room, grant, *args, **kwargs)

        return gate

    return decorate


def console_view(permission: str = "") -> Callable[[Callable[..., HttpResponse]], PlainView]:
    """For pages that are about no single room."""

    def decorate(view: Callable[..., HttpResponse]) -> PlainView:
        if permission:
            view = permission_required(permission, raise_exception=True)(view)
        return login_required(view)

    return decorate
