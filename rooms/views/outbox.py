"""Trying a failed command again."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rooms import outbox
from rooms.access import Grant
from rooms.actors import Actor
from rooms.errors import RoomsError
from rooms.models import OutboxCommand, Room
from rooms.views.access import ConsoleRequest, room_view
from rooms.views.panels import answer_done, answer_refused


@require_POST
@room_view("rooms.retry_outboxcommand")
def command_retry(
    request: ConsoleRequest, room: Room, grant: Grant, command_id: int, *, as_page: bool = False
) -> HttpResponse:
    command = get_object_or_404(OutboxCommand, pk=command_id, room=room)
    try:
        outbox.retry(command, actor=Actor.of_user(request.user))
    except RoomsError as refusal:
        return answer_refused(request, room, grant, "commands", refusal, as_page=as_page)
    return answer_done(request, room, grant, "commands", _("The command is tried again."), as_page=as_page)
