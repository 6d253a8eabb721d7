"""Who is in a room."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from rooms.access import Grant
from rooms.models import Room
from rooms.views.access import ConsoleRequest, room_view
from rooms.views.panels import load_members, render_panel, render_room


def _query(request: ConsoleRequest) -> str:
    return request.GET.get("members", "").replace("\x00", "").strip()[:64]


@require_safe
@room_view("rooms.view_membership")
def members_panel(request: ConsoleRequest, room: Room, grant: Grant) -> HttpResponse:
    return render_panel(request, room, grant, "members", changes=load_members(room, _query(request)))


@require_safe
@room_view("rooms.view_membership")
def room_members(request: ConsoleRequest, room: Room, grant: Grant) -> HttpResponse:
    """The room's page with a search among its members, for browsers without scripts."""
    return render_room(request, room, grant, changes=load_members(room, _query(request)))
