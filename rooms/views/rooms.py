"""The page of one room, and the forms that create and edit rooms."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from rooms.access import Grant
from rooms.actors import Actor
from rooms.errors import ChangedMeanwhile, RoomsError
from rooms.forms.refusals import show_refusal
from rooms.forms.rooms import NewRoomForm, RoomForm
from rooms.models import Room
from rooms.services.lifecycle import create_room, edit_room
from rooms.views.access import ConsoleRequest, console_view, room_view
from rooms.views.panels import render_room


@require_safe
@room_view("rooms.view_room")
def room(request: ConsoleRequest, room: Room, grant: Grant) -> HttpResponse:
    return render_room(request, room, grant)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("rooms.add_room")
def room_new(request: ConsoleRequest) -> HttpResponse:
    form = NewRoomForm(request.POST or None)
    if form.is_valid():
        try:
            room = create_room(actor=Actor.of_user(request.user), **form.cleaned_data)
        except RoomsError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("The room is there. Its Chat group is being created."))
            return redirect(room)
    return render(request, "rooms/new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@room_view("rooms.change_room")
def room_edit(request: ConsoleRequest, room: Room, grant: Grant) -> HttpResponse:
    """Of two editors at once the second keeps what was typed, is shown the other's values, and may save again."""
    form = RoomForm(request.POST) if request.method == "POST" else RoomForm.of(room)
    is_conflict = False
    if form.is_valid():
        try:
            _save(room, form, Actor.of_user(request.user))
        except ChangedMeanwhile:
            is_conflict = True
            room.refresh_from_db()
            form = form.rebased(room)
        except RoomsError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect(room)
    status = 409 if is_conflict else 422 if form.is_bound else 200
    context = {"room": room, "form": form, "is_conflict": is_conflict}
    return render(request, "rooms/edit.html", context, status=status)


def _save(room: Room, form: RoomForm, actor: Actor) -> None:
    changes = dict(form.cleaned_data)
    expected_version = changes.pop("version") or 0
    edit_room(room, actor=actor, expected_version=expected_version, **changes)
