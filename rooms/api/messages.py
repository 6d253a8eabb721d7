from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.fields import Query, Text
from rooms.api.idempotency import idempotent
from rooms.api.outbox import CommandSerializer, command_address
from rooms.api.problems import read_body
from rooms.api.schema import IDEMPOTENCY_KEY, LOCATION, REPLAYED
from rooms.api.viewsets import RoomsViewSet
from rooms.models import Message
from rooms.services.control import MessageStyle, send_operator_message

_EXAMPLE: Final[dict[str, Any]] = {
    "seq": 4711,
    "account": "viewer_88",
    "kind": "text",
    "text": "Which one is the oolong?",
    "elements": [{"kind": "text", "text": "Which one is the oolong?"}],
    "cloud_custom_data": "",
    "priority": "Normal",
    "is_from_rest": False,
    "sent_at": "2026-11-20T19:05:42Z",
    "received_at": "2026-11-20T19:05:42.180000Z",
}


@extend_schema_serializer(examples=[OpenApiExample("A viewer's question", value=_EXAMPLE, response_only=True)])
class MessageSerializer(serializers.ModelSerializer[Message]):
    elements = serializers.ListField(
        child=serializers.DictField(),
        help_text="Each has a `kind`: text, custom, face, location, image, sound, file, video, relay or other.",
    )

    class Meta:
        model = Message
        fields = list(_EXAMPLE)
        read_only_fields = fields


class MessageQuery(Query):
    kind = serializers.MultipleChoiceField(
        choices=Message.Kind.choices, required=False, help_text="May be given several times."
    )
    account = Text(required=False, allow_blank=True, help_text="The sender's Chat account.")
    since = serializers.DateTimeField(required=False, help_text="Sent at this time or later.")
    until = serializers.DateTimeField(required=False, help_text="Sent before this time.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A highlight", value={"text": "Five minutes to the draw!", "style": "highlight"}, request_only=True
        )
    ]
)
class OperatorMessage(serializers.Serializer[Any]):
    text = Text(help_text="At most 2000 bytes of UTF-8.")
    style = serializers.ChoiceField(  # type: ignore[assignment]
        choices=MessageStyle.choices,
        default=MessageStyle.PLAIN,
        help_text="A warning is a command message that clients can insist on.",
    )


@extend_schema(tags=["messages"])
class Messages(RoomsViewSet):
    serializer_class = MessageSerializer
    orderings: Final = {"newest": ("-seq",)}

    @extend_schema(
        operation_id="messages_list",
        summary="List a room's messages",
        parameters=[MessageQuery],
        responses=MessageSerializer(many=True),
    )
    def list(self, request: Request, room_id: int) -> Response:
        """What Chat delivered in the room, newest first."""
        query = self.read_query(MessageQuery)
        messages = Message.objects.filter(room=self.room("rooms.view_message"))
        if kinds := query.get("kind"):
            messages = messages.filter(kind__in=kinds)
        if account := query.get("account"):
            messages = messages.filter(account=account)
        if since := query.get("since"):
            messages = messages.filter(sent_at__gte=since)
        if until := query.get("until"):
            messages = messages.filter(sent_at__lt=until)
        return self.page_of(messages)

    @extend_schema(
        operation_id="messages_send",
        summary="Speak into a room",
        parameters=[IDEMPOTENCY_KEY, LOCATION, REPLAYED],
        request=OperatorMessage,
        responses={202: CommandSerializer},
    )
    @idempotent
    def create(self, request: Request, room_id: int) -> Response:
        """Answers with the outbox command that carries the message to Chat; it settles within moments."""
        room, body = self.room("rooms.speak_room"), read_body(OperatorMessage(data=request.data))
        command = send_operator_message(room, actor=self.actor, **body)
        data = CommandSerializer(command).data
        return Response(data, status=202, headers=self.headers_of(data))

    def headers_of(self, answer: dict[str, Any]) -> dict[str, str]:
        return {"Location": command_address(self.request, self.kwargs["room_id"], answer["id"])}
