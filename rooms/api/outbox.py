from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from rooms import outbox
from rooms.api.fields import Query
from rooms.api.viewsets import RoomsViewSet
from rooms.models import OutboxCommand

_EXAMPLE: Final[dict[str, Any]] = {
    "id": 930,
    "call": "send_group_msg",
    "label": "Tell viewers the status",
    "state": "applied",
    "attempt_count": 1,
    "error_code": 0,
    "error_text": "",
    "message_seq": 4712,
    "actor_name": "Tea shop backend",
    "created_at": "2026-11-20T19:02:11Z",
    "settled_at": "2026-11-20T19:02:11.240000Z",
}


def command_address(request: Request, room_id: int, command_id: int) -> str:
    return reverse("api_command", args=[room_id, command_id], request=request)


@extend_schema_serializer(
    examples=[OpenApiExample("A settled command", value=_EXAMPLE, response_only=True, status_codes=["200", "202"])]
)
class CommandSerializer(serializers.ModelSerializer[OutboxCommand]):
    label = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="What it is for, in the caller's language."
    )

    class Meta:
        model = OutboxCommand
        fields = list(_EXAMPLE)
        read_only_fields = fields

    def get_label(self, command: OutboxCommand) -> str:
        return gettext(command.label)


class CommandQuery(Query):
    state = serializers.MultipleChoiceField(
        choices=OutboxCommand.State.choices, required=False, help_text="May be given several times."
    )


@extend_schema(tags=["commands"])
class Commands(RoomsViewSet):
    """What Greenroom means Chat to do for a room, and how it ended."""

    serializer_class = CommandSerializer

    @extend_schema(
        operation_id="commands_list",
        summary="List a room's outbox commands",
        parameters=[CommandQuery],
        responses=CommandSerializer(many=True),
    )
    def list(self, request: Request, room_id: int) -> Response:
        """The calls to Chat that the room's changes made, newest first."""
        query = self.read_query(CommandQuery)
        commands = self._commands("rooms.view_outboxcommand")
        if states := query.get("state"):
            commands = commands.filter(state__in=states)
        return self.page_of(commands)

    @extend_schema(operation_id="commands_read", summary="Read an outbox command", responses=CommandSerializer)
    def retrieve(self, request: Request, room_id: int, command_id: int) -> Response:
        """It has settled once it is `applied`, `failed` or `superseded`."""
        return self._show(self._command("rooms.view_outboxcommand"))

    @extend_schema(
        operation_id="commands_retry",
        summary="Retry a failed command",
        request=None,
        responses={202: CommandSerializer},
    )
    def retry(self, request: Request, room_id: int, command_id: int) -> Response:
        """Only a failed command that no newer one has replaced; anything else is a 409."""
        command = self._command("rooms.retry_outboxcommand")
        outbox.retry(command, actor=self.actor)
        command.refresh_from_db()
        return self._show(command, 202)

    def _commands(self, permission: str) -> QuerySet[OutboxCommand]:
        return OutboxCommand.objects.filter(room=self.room(permission))

    def _command(self, permission: str) -> OutboxCommand:
        command = self._commands(permission).filter(pk=self.kwargs["command_id"]).first()
        if command is None:
            raise NotFound(gettext("This room has no such command."))
        return command

    def _show(self, command: OutboxCommand, status: int = 200) -> Response:
        return Response(self.get_serializer(command).data, status=status)
