"""A room's next step, and its replay."""

from collections.abc import Callable
from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from rooms.access import Grant
from rooms.actors import Actor
from rooms.errors import RoomsError
from rooms.forms.control import ReplayForm
from rooms.forms.refusals import show_refusal
from rooms.models import Room
from rooms.services.lifecycle import end_room, pause_room, publish_replay, resume_room, start_room
from rooms.views.access import ConsoleRequest, room_view
from rooms.views.panels import answer_done, answer_refused

STEPS: Final[dict[str, tuple[Callable[..., Room], Promise]]] = {
    "start": (start_room, _("The room is live.")),
    "pause": (pause_room, _("The room is paused.")),
    "resume": (resume_room, _("The room is live again.")),
    "end": (end_room, _("The room has ended.")),
}


@require_POST
@room_view("rooms.operate_room")
def room_step(request: ConsoleRequest, room: Room, grant: Grant, step: str, *, as_page: bool = False) -> HttpResponse:
    """Pages with scripts ask before ending in a dialog; the plain form asks on a page of its own."""
    if step not in STEPS:
        raise Http404
    if as_page and step == "end" and "confirmed" not in request.POST:
        return render(request, "rooms/lifecycle/confirm_end.html", {"room": room})
    take_step, sentence = STEPS[step]
    try:
        take_step(room, actor=Actor.of_user(request.user))
    except RoomsError as refusal:
        return answer_refused(request, room, grant, "controls", refusal, as_page=as_page)
    return answer_done(request, room, grant, "controls", str(sentence), as_page=as_page)


@require_POST
@room_view("rooms.operate_room")
def room_replay(request: ConsoleRequest, room: Room, grant: Grant, *, as_page: bool = False) -> HttpResponse:
    form = ReplayForm(request.POST)
    refused: RoomsError | None = None
    if form.is_valid():
        try:
            publish_replay(room, actor=Actor.of_user(request.user), **form.cleaned_data)
        except RoomsError as refusal:
            refused = refusal
            show_refusal(form, refusal)
        else:
            sentence = str(_("The replay is published."))
            return answer_done(request, room, grant, "controls", sentence, as_page=as_page)
    changes = {"replay_form": form}
    return answer_refused(request, room, grant, "controls", refused, as_page=as_page, changes=changes)
