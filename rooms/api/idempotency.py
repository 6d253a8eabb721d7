"""`Idempotency-Key`: a POST that creates may be repeated, and is carried out once.

A claim (an answer without status) is committed first; the unique constraint lets one request have it. The work and
its answer then commit together, so a claim without an answer has changed nothing: it is either still running, or
its process died and after LEASE the key may be claimed again. Answers of 5xx give the claim back.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.permissions import caller_name
from rooms.api.problems import Conflict, KeyReused, ProblemResponse
from rooms.models import IdempotentAnswer

LEASE: Final = timedelta(seconds=30)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")

View = TypeVar("View", bound="Answering")
P = ParamSpec("P")


class Answering(GenericAPIView[Any]):
    """A view whose creating methods are `idempotent`."""

    def headers_of(self, answer: dict[str, Any]) -> dict[str, str]:
        """The headers that belong to a created thing, from its representation: a repeat carries them too."""
        return {}


def idempotent(
    method: Callable[Concatenate[View, Request, P], Response],
) -> Callable[Concatenate[View, Request, P], Response]:
    @wraps(method)
    def once(view: View, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return method(view, request, *args, **kwargs)
        if not _KEY.fullmatch(key):
            sentence = _("Use 1 to 255 printable ASCII characters without spaces.")
            raise ValidationError({"Idempotency-Key": [sentence]})
        claim = _claim(caller_name(request), key, _fingerprint(request))
        if claim.status is not None:
            return _repeat(view, claim)
        return _answer(view, claim, lambda: method(view, request, *args, **kwargs))

    return once


def _fingerprint(request: Request) -> str:
    """Of the address and of what the body says, however it is spelt."""
    said = json.dumps([request.path.rstrip("/"), request.data], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _claim(caller: str, key: str, fingerprint: str) -> IdempotentAnswer:
    """A fresh claim, or the answer already given. Raises KeyReused or Conflict."""
    try:
        with transaction.atomic():
            return IdempotentAnswer.objects.create(caller=caller, key=key, fingerprint=fingerprint)
    except IntegrityError:
        earlier = IdempotentAnswer.objects.filter(caller=caller, key=key).first()
    if earlier is not None and earlier.fingerprint != fingerprint:
        raise KeyReused(_("This Idempotency-Key was used for a different request."))
    if earlier is not None and (earlier.status is not None or _take_over(earlier)):
        return earlier
    raise Conflict(_("The first request with this Idempotency-Key is still running."), "idempotency_in_progress")


def _take_over(claim: IdempotentAnswer) -> bool:
    """Whether a claim whose process must have died is now ours; its `created_at` says whose it is."""
    now = timezone.now()
    if claim.created_at > now - LEASE:
        return False
    held = IdempotentAnswer.objects.filter(pk=claim.pk, status=None, created_at=claim.created_at)
    claim.created_at = now
    return held.update(created_at=now) == 1


def _answer(view: Answering, claim: IdempotentAnswer, work: Callable[[], Response]) -> Response:
    try:
        with transaction.atomic():
            response = work()
            _store(claim, response)
    except Exception as error:
        response = _refusal(view, claim, error)
    return response


def _refusal(view: Answering, claim: IdempotentAnswer, error: Exception) -> Response:
    """The answer to a refused request; the work was rolled back. What is our fault gives the claim back."""
    try:
        response = view.handle_exception(error)
    except Exception:
        _give_back(claim)
        raise
    if response.status_code >= 500:
        _give_back(claim)
    else:
        _store(claim, response)
    return response


def _store(claim: IdempotentAnswer, response: Response) -> None:
    body = json.loads(JSONRenderer().render(response.data))
    held = IdempotentAnswer.objects.filter(pk=claim.pk, status=None, created_at=claim.created_at)
    if held.update(status=response.status_code, body=body) != 1:
        raise Conflict(_("Another request took over this Idempotency-Key."), "idempotency_in_progress")


def _give_back(claim: IdempotentAnswer) -> None:
    IdempotentAnswer.objects.filter(pk=claim.pk, status=None, created_at=claim.created_at).delete()


def _repeat(view: Answering, answer: IdempotentAnswer) -> Response:
    status = answer.status or 500
    headers = {"Idempotency-Replayed": "true"}
    if status >= 400:
        return ProblemResponse(answer.body, status, headers)
    return Response(answer.body, status=status, headers=headers | view.headers_of(answer.body or {}))
