"""Panels that other pages embed by their URL."""

from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from rooms.access import visible_rooms
from stats import queries

ROOM_LIMIT: Final = 100


@require_safe
@login_required
def pulses(request: Any) -> HttpResponse:
    """`?rooms=1,2,3`: the pulse of each room the user may see, as fragments that go where those rooms are shown."""
    wanted = [int(part) for part in request.GET.get("rooms", "").split(",") if part.isdecimal() and len(part) < 19]
    visible = visible_rooms(request.user).filter(pk__in=wanted[:ROOM_LIMIT])
    room_ids = list(visible.order_by("pk").values_list("pk", flat=True))
    found = queries.pulses(room_ids, now=timezone.now())
    return render(request, "stats/_pulses.html", {"pulses": found})
