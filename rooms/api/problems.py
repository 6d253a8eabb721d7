"""Every refusal of the API as `application/problem+json` (RFC 9457), with a `code` that stays.

400: the request cannot be read (JSON, query, cursor, header). 422: it was read, and a field of the body cannot be
accepted. 409: the state does not allow it. 412: `If-Match` named another version. Nothing was changed in any of them.
"""

from http import HTTPStatus
from typing import Any, Final, cast

from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework import exceptions, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings

from rooms.errors import ChangedMeanwhile, InvalidInput, RoomsError

MEDIA_TYPE: Final = "application/problem+json"


class ProblemResponse(Response):
    """Problems are JSON, whatever the view would have rendered."""

    def __init__(self, data: Any, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(data, status=status, headers=headers, content_type=MEDIA_TYPE)

    @property
    def rendered_content(self) -> str:
        self["Content-Type"] = MEDIA_TYPE
        return JSONRenderer().render(self.data).decode()


class InvalidBody(exceptions.ValidationError):
    """Fields of the body cannot be accepted."""

    status_code = 422


class Conflict(exceptions.APIException):
    status_code = 409
    default_code = "refused"


class PreconditionFailed(exceptions.APIException):
    status_code = 412
    default_code = "changed_meanwhile"


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"


class KeyReused(exceptions.APIException):
    status_code = 422
    default_code = "idempotency_key_reused"


def read_body(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """What the serializer read. Raises InvalidBody, where DRF's own `raise_exception` would say 400."""
    if not serializer.is_valid():
        raise InvalidBody(cast(Any, serializer.errors))
    data: dict[str, Any] = serializer.validated_data
    return data


class ProblemHandler(ExceptionHandler):
    """Translates what services refuse into the API's answers; the one place that knows which is which."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, InvalidInput):
            sentence = exceptions.ErrorDetail(str(exc.sentence), code=exc.code)
            return InvalidBody({exc.field: [sentence]})
        if isinstance(exc, ChangedMeanwhile) and self._has_if_match():
            return PreconditionFailed(str(exc.sentence), code=exc.code)
        if isinstance(exc, RoomsError):
            return Conflict(str(exc.sentence), code=exc.code)
        if isinstance(exc, RequestDataTooBig):
            return TooLarge(_("This request is too large."))
        return super().convert_known_exceptions(exc)

    def get_response(self, exc: exceptions.APIException, data: dict[str, Any]) -> Response:
        return ProblemResponse(data, exc.status_code, self.get_headers(exc))

    def _has_if_match(self) -> bool:
        request = self.context["request"]
        return request is not None and "If-Match" in request.headers


class ProblemFormatter(ExceptionFormatter):
    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        first = error_response.errors[0]
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(self.exc.status_code).phrase,
            "status": self.exc.status_code,
            "code": first.code,
            "detail": first.detail,
        }
        if isinstance(self.exc, exceptions.ValidationError):
            several = len(error_response.errors) > 1
            problem["code"] = "invalid"
            problem["detail"] = _("Several values cannot be accepted.") if several else first.detail
            problem["errors"] = [
                {"field": _field(error.attr), "code": error.code, "detail": error.detail}
                for error in error_response.errors
            ]
        return problem


def _field(name: str | None) -> str | None:
    return None if name == api_settings.NON_FIELD_ERRORS_KEY else name


class FieldProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(
        allow_null=True, help_text="Where the value came from; null for the request as a whole."
    )
    code = serializers.CharField()
    detail = serializers.CharField(help_text="A sentence for people, in the caller's language.")


class ProblemSerializer(serializers.Serializer[Any]):
    """Why a request was refused (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable; meant for programs.")
    detail = serializers.CharField(help_text="A sentence for people, in the caller's language.")
    errors = FieldProblemSerializer(  # type: ignore[assignment]
        many=True, required=False, help_text="Each value that cannot be accepted, with 400 and 422."
    )
