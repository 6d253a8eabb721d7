"""The wall: all rooms somebody may see, as tiles or as a table, page by page."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from rooms import live, tiles
from rooms.access import may, visible_rooms
from rooms.forms.wall import WallForm
from rooms.paging import page_of
from rooms.views.access import ConsoleRequest, console_view

# Without the right to see every room, the wall watches its rooms one by one.
TOPIC_LIMIT: Final = 100


@require_safe
@console_view()
def wall(request: ConsoleRequest) -> HttpResponse:
    last_id = live.position()
    return render(request, "rooms/wall.html", wall_context(request) | {"live_last_id": last_id})


@require_safe
@console_view()
def wall_panel(request: ConsoleRequest) -> HttpResponse:
    """The rooms for changed filters; the browser's address becomes the page's with the same filters."""
    context = wall_context(request)
    response = render(request, "rooms/wall/_panel.html", context)
    response["HX-Push-Url"] = context["page_url"]
    return response


@require_safe
@console_view()
def wall_more(request: ConsoleRequest) -> HttpResponse:
    """The next page's rooms, put where the button was."""
    return render(request, "rooms/wall/_more.html", wall_context(request))


def wall_context(request: ConsoleRequest) -> dict[str, Any]:
    sees_all = request.user.has_perm("rooms.view_room")
    visible = visible_rooms(request.user)
    form = WallForm(request.GET, visible=visible, sees_all=sees_all)
    after = request.GET.get("after", "")
    page = page_of(form.rooms(), sort=form.chosen_sort, cursor=after)
    more = form.query(after=page.next_cursor) if page.next_cursor else ""
    topics = ["wall"] if sees_all else [room.topic for room in page.rooms[:TOPIC_LIMIT]]
    query = form.query()
    return {
        "form": form,
        "tiles": [tiles.tile(room) for room in page.rooms],
        "room_ids": ",".join(str(room.pk) for room in page.rooms),
        "live_topics": " ".join(topics),
        "counts": tiles.status_counts(visible),
        "more_query": more,
        "is_later_page": bool(after),
        "page_url": reverse("wall") + (f"?{query}" if query else ""),
        "may_add": may(request.user, "rooms.add_room"),
    }
