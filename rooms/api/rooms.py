"""Rooms: list, create, read, edit. Their steps and switches are in `rooms.api.control`."""

from typing import Any, Final

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from rooms.access import visible_rooms
from rooms.api.fields import Query, Text
from rooms.api.idempotency import idempotent
from rooms.api.permissions import caller_of, require
from rooms.api.problems import read_body
from rooms.api.schema import ETAG, IDEMPOTENCY_KEY, IF_MATCH, LOCATION, REPLAYED
from rooms.api.viewsets import RoomsViewSet, etag_of
from rooms.models import Room, User
from rooms.services.lifecycle import NEXT_STATUSES, create_room, edit_room
from rooms.services.notices import read_notice

ROOM_EXAMPLE: Final[dict[str, Any]] = {
    "id": 12,
    "title": "Tea tasting with Lin",
    "cover_url": "https://cdn.example.com/covers/12.jpg",
    "anchor": {"account": "anchor1", "name": "Lin Wei"},
    "group_id": "room_4f1c0a9be2d7",
    "status": "on_live",
    "next_statuses": ["paused", "ended"],
    "version": 3,
    "notice": {
        "introduction": "Every Friday: three teas, one story.",
        "notification": "Samples ship within a week.",
        "text": "Samples ship within a week.",
        "images": [],
    },
    "is_mute_all": False,
    "online_count": 1280,
    "peak_online_count": 1533,
    "message_count": 20417,
    "replay_url": "",
    "scheduled_at": "2026-11-20T19:00:00Z",
    "started_at": "2026-11-20T19:02:11Z",
    "paused_at": None,
    "ended_at": None,
    "replay_published_at": None,
    "created_at": "2026-11-18T08:30:00Z",
    "updated_at": "2026-11-20T19:02:11Z",
}


class AnchorSerializer(serializers.Serializer[User]):
    account = serializers.CharField(help_text="The Chat account this person broadcasts as.")
    name = serializers.CharField(source="display_name")


class NoticeSerializer(serializers.Serializer[Room]):
    introduction = serializers.CharField()
    notification = serializers.CharField(help_text="As it was set: plain text, or JSON with `text` and `images`.")
    text = serializers.SerializerMethodField(help_text="What a viewer reads of the notification.")
    images = serializers.SerializerMethodField(help_text="https addresses of the notification's pictures.")

    def get_text(self, room: Room) -> str:
        return read_notice(room.notification)[0]

    def get_images(self, room: Room) -> list[str]:
        return read_notice(room.notification)[1]


@extend_schema_serializer(examples=[OpenApiExample("A room on live", value=ROOM_EXAMPLE, response_only=True)])
class RoomSerializer(serializers.ModelSerializer[Room]):
    anchor = AnchorSerializer()
    notice = NoticeSerializer(source="*")
    cover_url = serializers.CharField(help_text="Empty where there is none.")
    replay_url = serializers.CharField(help_text="Empty until the replay is published.")
    next_statuses = serializers.SerializerMethodField(help_text="What the room may become from here.")

    class Meta:
        model = Room
        fields = list(ROOM_EXAMPLE)
        read_only_fields = fields

    def get_next_statuses(self, room: Room) -> list[Room.Status]:
        return list(NEXT_STATUSES[room.status])


class RoomQuery(Query):
    status = serializers.MultipleChoiceField(
        choices=Room.Status.choices, required=False, help_text="May be given several times."
    )
    anchor = Text(required=False, allow_blank=True, help_text="The anchor's Chat account.")
    search = Text(required=False, allow_blank=True, max_length=100, help_text="Part of the title, in any case.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A room for Friday",
            value={
                "title": "Tea tasting with Lin",
                "anchor": "anchor1",
                "cover_url": "https://cdn.example.com/covers/12.jpg",
                "scheduled_at": "2026-11-20T19:00:00Z",
                "introduction": "Every Friday: three teas, one story.",
                "notification": "Samples ship within a week.",
            },
            request_only=True,
        )
    ]
)
class RoomCreation(serializers.Serializer[Any]):
    title = Text(max_length=100)
    anchor = Text(
        max_length=32, help_text="The Chat account of a Greenroom user; an account nobody here has is refused with 422."
    )
    group_id = Text(
        required=False, allow_blank=True, max_length=48, help_text="The Chat group's id; made up where absent."
    )
    cover_url = Text(
        required=False, allow_blank=True, max_length=100, help_text="An https address of at most 100 bytes."
    )
    scheduled_at = serializers.DateTimeField(required=False, allow_null=True)
    introduction = Text(required=False, allow_blank=True, help_text="At most 240 bytes of UTF-8.")
    notification = Text(
        required=False,
        allow_blank=True,
        help_text="At most 300 bytes of UTF-8: plain text, or JSON with `text` and `images`. No HTML tags.",
    )

    def validate_anchor(self, account: str) -> User:
        anchor = User.objects.filter(account=account, is_active=True).first()
        if anchor is None:
            raise serializers.ValidationError(_("Nobody here has this Chat account."), "unknown_anchor")
        return anchor


@extend_schema_serializer(
    examples=[OpenApiExample("A new title", value={"title": "Tea tasting, part two"}, request_only=True)]
)
class RoomEdit(serializers.Serializer[Any]):
    title = Text(required=False, max_length=100)
    cover_url = Text(required=False, allow_blank=True, max_length=100)
    scheduled_at = serializers.DateTimeField(required=False, allow_null=True)


class RoomAnswers(RoomsViewSet):
    """Answers with one room, its version as the `ETag`."""

    serializer_class = RoomSerializer

    def show(self, room: Room, status: int = 200) -> Response:
        data = self.get_serializer(room).data
        return Response(data, status=status, headers=self.headers_of(data))

    def headers_of(self, answer: dict[str, Any]) -> dict[str, str]:
        return {"ETag": etag_of(answer["version"])}


@extend_schema(tags=["rooms"])
class Rooms(RoomAnswers):
    orderings: Final = {
        "newest": ("-id",),
        "oldest": ("id",),
        "online": ("-online_count", "-id"),
        "title": ("title", "-id"),
    }

    @extend_schema(
        operation_id="rooms_list", summary="List rooms", parameters=[RoomQuery], responses=RoomSerializer(many=True)
    )
    def list(self, request: Request) -> Response:
        """Rooms the caller may see, newest first. `ordering=online` follows a number that moves while you page."""
        query = self.read_query(RoomQuery)
        rooms = visible_rooms(caller_of(request))
        if statuses := query.get("status"):
            rooms = rooms.filter(status__in=statuses)
        if account := query.get("anchor"):
            rooms = rooms.filter(anchor__account=account)
        if words := query.get("search"):
            rooms = rooms.filter(title__icontains=words)
        return self.page_of(rooms)

    @extend_schema(
        operation_id="rooms_create",
        summary="Create a room",
        parameters=[IDEMPOTENCY_KEY, ETAG, LOCATION, REPLAYED],
        request=RoomCreation,
        responses={201: RoomSerializer},
    )
    @idempotent
    def create(self, request: Request) -> Response:
        """Creates the room, and in Chat its group, owned by the anchor. The group follows within moments: see the
        room's commands."""
        require(request, "rooms.add_room")
        room = create_room(actor=self.actor, **read_body(RoomCreation(data=request.data)))
        return self.show(room, 201)

    @extend_schema(operation_id="rooms_read", summary="Read a room", parameters=[ETAG], responses=RoomSerializer)
    def retrieve(self, request: Request, room_id: int) -> Response:
        """The `ETag` is the room's version: what operators change, not the counters."""
        return self.show(self.room("rooms.view_room"))

    @extend_schema(
        operation_id="rooms_edit",
        summary="Edit a room",
        parameters=[IF_MATCH, ETAG],
        request=RoomEdit,
        responses=RoomSerializer,
    )
    def partial_update(self, request: Request, room_id: int) -> Response:
        """Changes what is given and leaves the rest."""
        room = self.room("rooms.change_room")
        changes = read_body(RoomEdit(data=request.data))
        return self.show(edit_room(room, actor=self.actor, expected_version=self.expected_version(), **changes))

    def headers_of(self, answer: dict[str, Any]) -> dict[str, str]:
        headers = super().headers_of(answer)
        if self.request.method == "POST":
            headers["Location"] = reverse("api_room", args=[answer["id"]], request=self.request)
        return headers
