"""Muting everyone, and speaking into the room."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rooms.access import Grant
from rooms.actors import Actor
from rooms.errors import RoomsError
from rooms.forms.control import MuteAllForm, SpeakForm
from rooms.forms.refusals import show_refusal
from rooms.models import Room
from rooms.services.control import send_operator_message, set_mute_all
from rooms.views.access import ConsoleRequest, room_view
from rooms.views.panels import answer_done, answer_refused


@require_POST
@room_view("rooms.operate_room")
def room_mute_all(request: ConsoleRequest, room: Room, grant: Grant, *, as_page: bool = False) -> HttpResponse:
    form = MuteAllForm(request.POST)
    form.is_valid()
    is_muted = form.cleaned_data["is_muted"]
    set_mute_all(room, actor=Actor.of_user(request.user), is_muted=is_muted)
    sentence = _("Everyone is being muted.") if is_muted else _("Everyone may speak again.")
    return answer_done(request, room, grant, "controls", sentence, as_page=as_page)


@require_POST
@room_view("rooms.speak_room")
def room_speak(request: ConsoleRequest, room: Room, grant: Grant, *, as_page: bool = False) -> HttpResponse:
    form = SpeakForm(request.POST)
    refused: RoomsError | None = None
    if form.is_valid():
        try:
            send_operator_message(room, actor=Actor.of_user(request.user), **form.cleaned_data)
        except RoomsError as refusal:
            refused = refusal
            show_refusal(form, refusal)
        else:
            return answer_done(request, room, grant, "speak", _("The message is on its way."), as_page=as_page)
    changes = {"speak_form": form}
    return answer_refused(request, room, grant, "speak", refused, as_page=as_page, changes=changes)
