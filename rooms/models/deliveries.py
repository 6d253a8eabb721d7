from django.db import models
from django.utils.translation import gettext_lazy as _


class WebhookDelivery(models.Model):
    """One received callback, raw, with what was answered. Its dedupe key makes a repeated webhook count once."""

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        HANDLED = "handled", _("Handled")
        IGNORED = "ignored", _("Ignored")
        UNKNOWN = "unknown", _("Unknown command")
        FAILED = "failed", _("Failed")

    dedupe_key = models.CharField(_("dedupe key"), max_length=200, unique=True)
    command = models.CharField(_("callback command"), max_length=120)
    group_id = models.CharField(_("group id"), max_length=64, blank=True)
    platform = models.CharField(_("platform"), max_length=16, blank=True)
    body = models.TextField(_("body"))
    decision = models.SmallIntegerField(_("decision"), default=0)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.RECEIVED)
    error = models.CharField(_("error"), max_length=500, blank=True)
    event_at = models.DateTimeField(_("event time"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        indexes = [
            models.Index(fields=["id"], name="delivery_waiting", condition=models.Q(state="received")),
            models.Index(fields=["received_at"], name="delivery_received"),
        ]

    def __str__(self) -> str:
        return self.dedupe_key
