"""Liveness, readiness and metrics, for supervisors and Prometheus."""

import hmac

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from redis import RedisError

from rooms import health, inbox
from rooms.models import OutboxCommand, Room, WebhookDelivery


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, Redis, worker and ingest are all there, else 503; the body names each."""
    parts = health.check()
    is_ready = all(state == "ok" for state in parts.values())
    return JsonResponse({"ready": is_ready, "parts": parts}, status=200 if is_ready else 503)


def _may_scrape(request: HttpRequest) -> bool:
    """Without a token set, metrics are open in the demo and closed in production."""
    if not settings.METRICS_TOKEN:
        return bool(settings.DEBUG)
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for whoever knows METRICS_TOKEN. Read from the stores, so every process answers the same."""
    if not _may_scrape(request):
        return HttpResponse("METRICS_TOKEN is needed.", status=403, content_type="text/plain")
    registry = CollectorRegistry()
    outbox = Gauge("greenroom_outbox_commands", "Outbox commands by state.", ["state"], registry=registry)
    unsettled = OutboxCommand.objects.filter(
        state__in=[OutboxCommand.State.PENDING, OutboxCommand.State.SENDING, OutboxCommand.State.FAILED]
    )
    for state, count in unsettled.values_list("state").annotate(count=Count("pk")).order_by():
        outbox.labels(state).set(count)
    rooms = Gauge("greenroom_rooms", "Rooms by status.", ["status"], registry=registry)
    for status, count in Room.objects.values_list("status").annotate(count=Count("pk")).order_by():
        rooms.labels(status).set(count)
    waiting = Gauge("greenroom_deliveries_waiting", "Stored callbacks not yet handled.", registry=registry)
    waiting.set(WebhookDelivery.objects.filter(state=WebhookDelivery.State.RECEIVED).count())
    stream = Gauge("greenroom_inbox_entries", "Inbox entries waiting; -1 without Redis.", registry=registry)
    try:
        stream.set(inbox.waiting_count())
    except RedisError:
        stream.set(-1)
    ready = Gauge("greenroom_part_ready", "1 when the part is well.", ["part"], registry=registry)
    for part, state in health.check().items():
        ready.labels(part).set(state == "ok")
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
