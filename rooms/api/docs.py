"""The OpenAPI document (session or key) and Swagger UI (session; no foreign script, styles relaxed on this page)."""

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView


class Schema(SpectacularAPIView):
    """For whoever may use the API at all."""


@method_decorator([login_required, csp_update({"style-src": [SELF, UNSAFE_INLINE]})], name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    url_name = "api_schema"


@extend_schema(exclude=True)
class UnknownAddress(APIView):
    """What is at no address is a problem too, not a page."""

    authentication_classes = []
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound(_("There is nothing at this address."))
