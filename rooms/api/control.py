"""A room's steps and switches: start, pause, resume, end, replay, notice, mute-all."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.fields import Switch, Text
from rooms.api.problems import read_body
from rooms.api.rooms import RoomAnswers, RoomSerializer
from rooms.api.schema import ETAG, IF_MATCH
from rooms.models import Room
from rooms.services.control import set_mute_all
from rooms.services.lifecycle import end_room, pause_room, publish_replay, resume_room, start_room
from rooms.services.notices import set_notice

Method = TypeVar("Method", bound=Callable[..., Response])


@extend_schema_serializer(
    examples=[OpenApiExample("A replay", value={"replay_url": "https://vod.example.com/12.m3u8"}, request_only=True)]
)
class Replay(serializers.Serializer[Any]):
    replay_url = Text(max_length=500, help_text="An https address.")


@extend_schema_serializer(
    examples=[
        OpenApiExample("Plain text", value={"notification": "Samples ship within a week."}, request_only=True),
        OpenApiExample(
            "Text and a picture",
            value={"notification": '{"text":"New teas","images":["https://cdn.example.com/teas.jpg"]}'},
            request_only=True,
        ),
    ]
)
class NoticeChange(serializers.Serializer[Any]):
    introduction = Text(required=False, allow_blank=True, help_text="At most 240 bytes of UTF-8.")
    notification = Text(
        required=False,
        allow_blank=True,
        help_text="At most 300 bytes of UTF-8: plain text, or JSON with `text` and `images`. No HTML tags.",
    )


@extend_schema_serializer(examples=[OpenApiExample("Mute everyone", value={"is_mute_all": True}, request_only=True)])
class MuteAll(serializers.Serializer[Any]):
    is_mute_all = Switch()


def _step(
    name: str,
    summary: str,
    request: type[serializers.Serializer[Any]] | None = None,
    parameters: tuple[OpenApiParameter, ...] = (ETAG,),
) -> Callable[[Method], Method]:
    return extend_schema(
        operation_id=f"rooms_{name}",
        summary=summary,
        parameters=list(parameters),
        request=request,
        responses={200: RoomSerializer},
    )


@extend_schema(tags=["control"])
class Control(RoomAnswers):
    @_step("start", "Start the room")
    def start(self, request: Request, room_id: int) -> Response:
        """`to_be_started` becomes `on_live`."""
        return self.show(start_room(self.operated(), actor=self.actor))

    @_step("pause", "Pause the room")
    def pause(self, request: Request, room_id: int) -> Response:
        """`on_live` becomes `paused`."""
        return self.show(pause_room(self.operated(), actor=self.actor))

    @_step("resume", "Resume the room")
    def resume(self, request: Request, room_id: int) -> Response:
        """`paused` becomes `on_live`."""
        return self.show(resume_room(self.operated(), actor=self.actor))

    @_step("end", "End the room")
    def end(self, request: Request, room_id: int) -> Response:
        """`on_live` or `paused` becomes `ended`; there is no way back."""
        return self.show(end_room(self.operated(), actor=self.actor))

    @_step("replay", "Publish the replay", Replay)
    def replay(self, request: Request, room_id: int) -> Response:
        """`ended` becomes `played_back`."""
        room, body = self.operated(), read_body(Replay(data=request.data))
        return self.show(publish_replay(room, actor=self.actor, **body))

    @_step("notice", "Set the notice", NoticeChange, (IF_MATCH, ETAG))
    def notice(self, request: Request, room_id: int) -> Response:
        """Changes what is given and leaves the rest; those inside are told, those who come later read it."""
        room, body = self.operated(), read_body(NoticeChange(data=request.data))
        return self.show(set_notice(room, actor=self.actor, expected_version=self.expected_version(), **body))

    @_step("mute_all", "Mute everyone, or let everyone speak", MuteAll)
    def mute_all(self, request: Request, room_id: int) -> Response:
        """Saying the same twice changes nothing."""
        room, body = self.operated(), read_body(MuteAll(data=request.data))
        return self.show(set_mute_all(room, actor=self.actor, is_muted=body["is_mute_all"]))

    def operated(self) -> Room:
        return self.room("rooms.operate_room")
