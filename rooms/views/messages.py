"""The live feed's older messages."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rooms.access import Grant
from rooms.models import Room
from rooms.views.access import ConsoleRequest, room_view
from rooms.views.panels import load_feed


@require_safe
@room_view("rooms.view_message")
def older_messages(request: ConsoleRequest, room: Room, grant: Grant) -> HttpResponse:
    """Rows older than `before`, and the next button, put where the button was."""
    context = {"room": room, **load_feed(room, _seq(request.GET.get("before", "")))}
    return render(request, "rooms/messages/_older.html", context)


@require_safe
@room_view("rooms.view_message")
def message_archive(request: ConsoleRequest, room: Room, grant: Grant) -> HttpResponse:
    """The same rows as a page of its own."""
    before = _seq(request.GET.get("before", ""))
    context = {"room": room, "grant": grant, "before": before, **load_feed(room, before)}
    return render(request, "rooms/messages.html", context)


def _seq(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
