from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.fields import Query, QuerySwitch
from rooms.api.viewsets import RoomsViewSet
from rooms.models import Membership

_EXAMPLE: Final[dict[str, Any]] = {
    "account": "viewer_88",
    "nick": "Mei",
    "avatar_url": "https://cdn.example.com/avatars/88.png",
    "is_present": True,
    "joined_at": "2026-11-20T19:04:10Z",
    "left_at": None,
}


@extend_schema_serializer(examples=[OpenApiExample("Somebody watching", value=_EXAMPLE, response_only=True)])
class MemberSerializer(serializers.ModelSerializer[Membership]):
    account = serializers.CharField(source="viewer.account")
    nick = serializers.CharField(source="viewer.nick")
    avatar_url = serializers.CharField(source="viewer.avatar_url")

    class Meta:
        model = Membership
        fields = list(_EXAMPLE)
        read_only_fields = fields


class MemberQuery(Query):
    is_present = QuerySwitch(required=False, help_text="Only who is there now, or only who has left.")


@extend_schema(tags=["members"])
class Members(RoomsViewSet):
    serializer_class = MemberSerializer
    orderings: Final = {"present": ("-is_present", "-joined_at", "-id")}

    @extend_schema(
        operation_id="members_list",
        summary="List a room's members",
        parameters=[MemberQuery],
        responses=MemberSerializer(many=True),
    )
    def list(self, request: Request, room_id: int) -> Response:
        """Who is there, last joined first; then who has left."""
        query = self.read_query(MemberQuery)
        members = Membership.objects.filter(room=self.room("rooms.view_membership")).select_related("viewer")
        if "is_present" in query:
            members = members.filter(is_present=query["is_present"])
        return self.page_of(members)
