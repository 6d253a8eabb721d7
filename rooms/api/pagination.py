"""Keyset pages. A cursor names the last row seen, so rows that come or go meanwhile move nobody's page.

A page costs one query whatever its depth, and nothing is counted.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from django.core.signing import BadSignature, Signer
from django.db.models import Field, Model, Q
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

if TYPE_CHECKING:
    from rest_framework.views import APIView

_signer: Final = Signer(salt="rooms.api.cursor")
_NEWEST: Final = {"newest": ("-id",)}


class NewestFirst(BasePagination):
    """A view may offer other orders in `orderings`: `{name: columns}`, the first being the default.

    The columns of an order are never null, and together name one row.
    """

    page_size = 50
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> list[Any]:
        self._url = request.build_absolute_uri()
        self._name, columns = _ordering(request, view)
        size = self._size(request)
        backwards, position = self._read_cursor(request, queryset.model, columns)
        order = [_flipped(column) for column in columns] if backwards else list(columns)
        rows = queryset.order_by(*order)
        if position is not None:
            rows = rows.filter(_after(order, position))
        page = list(rows[: size + 1])
        has_more = len(page) > size
        page = page[:size]
        if backwards:
            page.reverse()
        has_next, has_previous = (position is not None, has_more) if backwards else (has_more, position is not None)
        self._next = self._link(page[-1], columns, backwards=False) if page and has_next else None
        self._previous = self._link(page[0], columns, backwards=True) if page and has_previous else None
        return page

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next, "previous": self._previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True, "example": None}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = [
            {
                "name": "cursor",
                "in": "query",
                "description": "Where to go on; take it from `next` or `previous`.",
                "schema": {"type": "string"},
            },
            {
                "name": "page_size",
                "in": "query",
                "schema": {
                    "type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size,
                },
            },
        ]  # fmt: skip
        names = list(getattr(view, "orderings", _NEWEST))
        if len(names) > 1:
            parameters.append(
                {
                    "name": "ordering",
                    "in": "query",
                    "description": "A cursor belongs to the order it was made in.",
                    "schema": {"type": "string", "enum": names, "default": names[0]},
                }
            )
        return parameters

    def _size(self, request: Request) -> int:
        text = request.query_params.get("page_size", str(self.page_size))
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) <= self.max_page_size):
            sentence = _("Ask for 1 to %(limit)d rows.") % {"limit": self.max_page_size}
            raise ValidationError({"page_size": [sentence]})
        return int(text)

    def _read_cursor(
        self, request: Request, model: type[Model], columns: Sequence[str]
    ) -> tuple[bool, list[Any] | None]:
        text = request.query_params.get("cursor")
        if not text:
            return False, None
        try:
            name, backwards, values = _signer.unsign_object(text)
        except (BadSignature, ValueError):
            name = None
        if name != self._name:
            raise ValidationError({"cursor": [_("This cursor does not belong to this list.")]}, "bad_cursor")
        fields = [cast("Field[Any, Any]", model._meta.get_field(column.lstrip("-"))) for column in columns]
        return backwards, [field.to_python(value) for field, value in zip(fields, values, strict=True)]

    def _link(self, row: Model, columns: Sequence[str], *, backwards: bool) -> str:
        position = [_plain(row, column.lstrip("-")) for column in columns]
        return replace_query_param(
            remove_query_param(self._url, "cursor"),
            "cursor",
            _signer.sign_object([self._name, backwards, position], compress=True),
        )


def _ordering(request: Request, view: "APIView | None") -> tuple[str, tuple[str, ...]]:
    """The order's columns, and its name as a cursor remembers it."""
    orderings: dict[str, tuple[str, ...]] = getattr(view, "orderings", _NEWEST)
    name = request.query_params.get("ordering", next(iter(orderings)))
    if name not in orderings:
        choices = ", ".join(orderings)
        raise ValidationError({"ordering": [_("Choose from: %(choices)s.") % {"choices": choices}]})
    return ",".join(orderings[name]), orderings[name]


def _plain(row: Model, column: str) -> Any:
    value = getattr(row, column)
    return value if isinstance(value, str | int) else value.isoformat()


def _flipped(column: str) -> str:
    return column[1:] if column.startswith("-") else f"-{column}"


def _after(order: Sequence[str], position: Sequence[Any]) -> Q:
    """Rows that come after `position`: `a > x`, or `a = x` and the same of the rest."""
    column, value = order[0], position[0]
    name = column.lstrip("-")
    beyond = Q(**{f"{name}__lt" if column.startswith("-") else f"{name}__gt": value})
    if len(order) == 1:
        return beyond
    reached = Q(**{f"{name}__lte" if column.startswith("-") else f"{name}__gte": value})
    return reached & (beyond | _after(order[1:], position[1:]))
