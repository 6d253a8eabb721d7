"""How long raw records are kept. What was counted stays counted; only the raw material goes."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from rooms.models import IdempotentAnswer, WebhookDelivery

_CHUNK = 5_000


def drop_old_records() -> int:
    """Delete raw deliveries past DELIVERY_DAYS and idempotent answers past a day; returns how many deliveries."""
    now = timezone.now()
    IdempotentAnswer.objects.filter(created_at__lt=now - timedelta(days=1)).delete()
    old = WebhookDelivery.objects.filter(received_at__lt=now - timedelta(days=settings.DELIVERY_DAYS))
    dropped = 0
    while ids := list(old.values_list("pk", flat=True)[:_CHUNK]):
        dropped += WebhookDelivery.objects.filter(pk__in=ids).delete()[0]
    return dropped
