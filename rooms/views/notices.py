"""Writing a room's notice, and looking at it as clients show it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rooms.access import Grant
from rooms.actors import Actor
from rooms.errors import ChangedMeanwhile, RoomsError
from rooms.forms.notices import NoticeForm
from rooms.forms.refusals import show_refusal
from rooms.models import Notice, Room
from rooms.services.notices import set_notice
from rooms.views.access import ConsoleRequest, room_view
from rooms.views.panels import answer_done, answer_refused, notice_preview


@require_POST
@room_view("rooms.operate_room")
def room_notice(request: ConsoleRequest, room: Room, grant: Grant, *, as_page: bool = False) -> HttpResponse:
    form = NoticeForm(request.POST)
    refused: RoomsError | None = None
    changes: dict[str, Any] = {}
    if form.is_valid():
        try:
            _save(room, form, Actor.of_user(request.user))
        except ChangedMeanwhile as refusal:
            refused = refusal
            room.refresh_from_db()
            newest = _newest(room)
            form = form.rebased(room, newest)
            changes["conflicting_notice"] = newest
        except RoomsError as refusal:
            refused = refusal
            show_refusal(form, refusal)
        else:
            return answer_done(request, room, grant, "notice_form", _("The notice is set."), as_page=as_page)
    changes["notice_form"] = form
    return answer_refused(request, room, grant, "notice_form", refused, as_page=as_page, changes=changes)


@require_POST
@room_view("rooms.operate_room")
def notice_preview_panel(request: ConsoleRequest, room: Room, grant: Grant) -> HttpResponse:
    """What clients would show of the texts as typed so far. Changes nothing; a POST keeps long texts out of logs."""
    texts = (request.POST.get("introduction", "")[:1000], request.POST.get("notification", "")[:1000])
    return render(request, "rooms/notices/_preview.html", notice_preview(*(text.strip() for text in texts)))


def _save(room: Room, form: NoticeForm, actor: Actor) -> None:
    set_notice(
        room,
        actor=actor,
        introduction=form.cleaned_data["introduction"],
        notification=form.cleaned_data["notification"],
        expected_version=form.expected_version(room, _newest(room)),
    )


def _newest(room: Room) -> Notice | None:
    return room.notices.order_by("-pk").first()
