"""How the OpenAPI document is drawn: problems instead of plain errors, the API key, one address per operation."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from drf_standardized_errors.openapi import AutoSchema

from rooms.api.problems import MEDIA_TYPE

IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
    OpenApiParameter.HEADER,
    description=(
        "Makes a repeat harmless: within a day, a request with the same key gets the first answer again, with "
        "`Idempotency-Replayed: true`."
    ),
)
IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the room as it was read. If somebody changed it since, nothing happens: 412.",
)
ETAG: Final = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=["200", "201"],
    description="The room's version, for `If-Match`.",
)
LOCATION: Final = OpenApiParameter(
    "Location",
    {"type": "string", "format": "uri"},
    OpenApiParameter.HEADER,
    response=["201", "202"],
    description="The address of what was created.",
)
REPLAYED: Final = OpenApiParameter(
    "Idempotency-Replayed",
    {"type": "string", "enum": ["true"]},
    OpenApiParameter.HEADER,
    response=["201", "202"],
    description="Present where the answer is that of an earlier request.",
)

_PROBLEMS: Final[dict[int, tuple[str, str, str]]] = {
    400: ("Bad Request", "invalid", "This cursor does not belong to this list."),
    401: ("Unauthorized", "authentication_failed", "This API key is not valid, or no longer."),
    403: ("Forbidden", "permission_denied", "Your role or key does not allow this."),
    404: ("Not Found", "not_found", "There is no such room, or it is not yours to see."),
    409: ("Conflict", "wrong_status", "This room is “Ended”; it cannot become “Live” from there."),
    412: (
        "Precondition Failed",
        "changed_meanwhile",
        "Somebody else changed this room meanwhile. Reload to see the new values.",
    ),
    415: ("Unsupported Media Type", "unsupported_media_type", 'Unsupported media type "text/plain" in request.'),
    422: ("Unprocessable Entity", "invalid", "Give a title of 1 to 100 characters."),
    429: ("Too Many Requests", "throttled", "Request was throttled. Expected available in 9 seconds."),
}


def _example(status: int) -> OpenApiExample:
    title, code, detail = _PROBLEMS[status]
    value: dict[str, Any] = {
        "type": "about:blank", "title": title, "status": status, "code": code, "detail": detail,
    }  # fmt: skip
    if status in (400, 422):
        field = "cursor" if status == 400 else "title"
        value["errors"] = [{"field": field, "code": "invalid", "detail": detail}]
    return OpenApiExample(title, value=value, response_only=True, status_codes=[str(status)])


_EXAMPLES: Final = [_example(status) for status in _PROBLEMS]


class ProblemSchema(AutoSchema):
    """Adds to each operation the problems it can answer."""

    def _should_add_error_response(self, responses: Mapping[str, Any], status_code: str) -> bool:
        return status_code not in responses and int(status_code) in self._possible_problems()

    def _possible_problems(self) -> set[int]:
        problems = {401, 403, 429}
        if "{" in self.path:
            problems.add(404)
        if self.get_request_serializer() is not None and self.method in ("POST", "PATCH"):
            problems |= {400, 415, 422}
        names = {parameter["name"] for parameter in self._get_parameters()}
        if "page_size" in names:
            problems.add(400)
        if "Idempotency-Key" in names or (self.method in ("POST", "PATCH") and "{" in self.path):
            problems |= {400, 409}
        if "If-Match" in names:
            problems.add(412)
        return problems

    def _get_response_for_code(
        self, serializer: Any, status_code: str, media_types: list[str] | None = None, direction: str = "response"
    ) -> dict[str, Any]:
        if int(status_code) >= 400:
            media_types = [MEDIA_TYPE]
        response: dict[str, Any] = super()._get_response_for_code(  # type: ignore[no-untyped-call]
            serializer, status_code, media_types, direction
        )
        response["description"] = response["description"] or HTTPStatus(int(status_code)).phrase
        return response

    def _get_error_response_examples(self) -> list[OpenApiExample]:
        return _EXAMPLES


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "rooms.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: SpectacularSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`: a business app's key, with the scopes it was given.",
        }


def canonical_addresses(endpoints: list[tuple[Any, ...]], **kwargs: Any) -> list[tuple[Any, ...]]:
    """Every address also works without its last slash; the document shows the one with it."""
    return [endpoint for endpoint in endpoints if endpoint[0].endswith("/")]
