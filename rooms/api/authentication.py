"""How a business app signs in: `Authorization: Api-Key <key>`. Console users use their session, with CSRF.

Named in DEFAULT_AUTHENTICATION_CLASSES, so it must not import views. Never logs or repeats a key.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from rooms.access import permissions_of_scopes
from rooms.models import ApiKey

KEYWORD: Final = "Api-Key"
_KEY: Final = re.compile(r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{16,64}")


@dataclass(slots=True)
class AppPrincipal:
    """Who a request with a key acts as: a business app. It is no user, so `pk` is None and no room is its own."""

    app_id: int
    app_name: str
    permissions: frozenset[str]
    pk: int | None = field(default=None, init=False)
    is_authenticated: bool = field(default=True, init=False)
    is_anonymous: bool = field(default=False, init=False)
    is_active: bool = field(default=True, init=False)

    def __str__(self) -> str:
        return self.app_name

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return perm in self.permissions


class ApiKeyAuthentication(BaseAuthentication):
    """One query; an unknown, wrong, revoked and expired key are all refused with the same 401."""

    def authenticate(self, request: Request) -> tuple[AppPrincipal, ApiKey] | None:
        scheme, _space, credentials = get_authorization_header(request).partition(b" ")
        if scheme.lower() != KEYWORD.lower().encode():
            return None
        key = _find_key(credentials.strip().decode("latin-1"))
        if key is None:
            raise AuthenticationFailed(_("This API key is not valid, or no longer."))
        return AppPrincipal(key.app_id, key.app.name, permissions_of_scopes(key.scopes)), key

    def authenticate_header(self, request: Request) -> str:
        return f'{KEYWORD} realm="greenroom"'


def _find_key(text: str) -> ApiKey | None:
    if not _KEY.fullmatch(text):
        return None
    prefix = text.partition(".")[0]
    key = ApiKey.objects.select_related("app").filter(prefix=prefix, revoked=False).first()
    return key if key is not None and key.is_valid(text) and not key.has_expired else None
