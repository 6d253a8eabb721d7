"""What every page shares: navigation, the simulator banner, error pages."""

from typing import Any

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of `base.html`: `nav_items` for this user, and whether Chat is the simulator."""
    user = getattr(request, "user", None)
    items: list[dict[str, Any]] = []
    if user is not None and user.is_authenticated:
        wall = reverse("wall")
        is_rooms = request.path == wall or request.path.startswith("/rooms/")
        items.append({"label": _("Rooms"), "url": wall, "icon": "grid", "is_current": is_rooms})
    return {"nav_items": items, "simulator_banner": settings.IS_SIMULATED}


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Pages of other packages (the admin, the API's docs) name no icon, so browsers ask here."""
    return redirect(static("img/favicon.svg"))


@staff_member_required
def styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "components/gallery.html")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page for people, problem+json for programs."""
    if request.path.startswith("/api/"):
        problem = {
            "type": "about:blank", "title": _("Not found"), "status": 404, "code": "not_found",
            "detail": _("There is nothing at this address."),
        }  # fmt: skip
        return JsonResponse(problem, status=404, content_type="application/problem+json")
    return render(request, "404.html", status=404)
