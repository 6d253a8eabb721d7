from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from rooms.actors import Actor
from rooms.api.fields import Query
from rooms.api.idempotency import Answering
from rooms.api.permissions import actor_of, room_for
from rooms.api.problems import PreconditionFailed
from rooms.models import Room

_ANY_VERSION: Final = "*"


class RoomsViewSet(Answering, GenericViewSet[Any]):
    """What the API's views share. A view reads its input, calls one service and shows what came of it."""

    queryset = Room.objects.none()
    serializer_class: type[BaseSerializer[Any]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if limit is not None and int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise RequestDataTooBig
        super().initial(request, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        return actor_of(self.request)

    def room(self, permission: str) -> Room:
        """The room the address names, if the caller may do this with it."""
        return room_for(self.request, self.kwargs["room_id"], permission)

    def read_query(self, query: type[Query]) -> dict[str, Any]:
        """The filters of a list; what cannot be read is a 400."""
        serializer = query.of(self.request.query_params)
        serializer.is_valid(raise_exception=True)
        filters: dict[str, Any] = serializer.validated_data
        return filters

    def page_of(self, rows: QuerySet[Any]) -> Response:
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(rows), many=True).data)

    def expected_version(self) -> int | None:
        """The version that `If-Match` names; None without one. Raises PreconditionFailed for one we never gave."""
        tag = self.request.headers.get("If-Match")
        if tag is None or tag.strip() == _ANY_VERSION:
            return None
        version = tag.strip().strip('"')
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            raise PreconditionFailed(_("This If-Match is not the ETag of any version of this room."))
        return int(version)


def etag_of(version: int) -> str:
    return f'"{version}"'
