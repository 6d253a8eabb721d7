from django.db import models
from django.utils.translation import gettext_lazy as _


class OutboxCommand(models.Model):
    """One intended Chat call and how it ended. The row is the truth; a Celery task is only a nudge.

    `call` names a method of the Chat client and `payload` its arguments. Commands that share a `lane` are carried
    out one after the other; of those that share `supersedes`, only the newest. `random` is fixed at birth, so that a
    repeat within Chat's five minutes is delivered once. While a worker holds the command, `leased_until` is set.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        SENDING = "sending", _("Sending")
        APPLIED = "applied", _("Applied")
        FAILED = "failed", _("Failed")
        SUPERSEDED = "superseded", _("Superseded")

    class Queue(models.TextChoices):
        URGENT = "chat.urgent", _("Urgent")
        BULK = "chat.bulk", _("Bulk")

    room = models.ForeignKey(
        "rooms.Room", on_delete=models.CASCADE, null=True, related_name="outbox_commands", verbose_name=_("room")
    )
    call = models.CharField(_("call"), max_length=60)
    payload = models.JSONField(_("arguments"), default=dict)
    label = models.CharField(_("purpose"), max_length=120)
    queue = models.CharField(_("queue"), max_length=16, choices=Queue, default=Queue.URGENT)
    lane = models.CharField(_("lane"), max_length=60, blank=True)
    supersedes = models.CharField(_("replaces"), max_length=60, blank=True)
    random = models.BigIntegerField(_("random number"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.PENDING)
    attempt_count = models.PositiveSmallIntegerField(_("attempt count"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    leased_until = models.DateTimeField(_("held until"), null=True, blank=True)
    error_code = models.IntegerField(_("error code"), default=0)
    error_text = models.CharField(_("error text"), max_length=500, blank=True)
    message_seq = models.BigIntegerField(_("message seq"), null=True, blank=True)
    actor_name = models.CharField(_("actor name"), max_length=150)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    class Meta:
        verbose_name = _("outbox command")
        verbose_name_plural = _("outbox commands")
        permissions = [("retry_outboxcommand", "Can retry a failed outbox command")]
        indexes = [
            models.Index(fields=["room", "-id"], name="outbox_room_newest"),
            models.Index(
                fields=["next_attempt_at"],
                name="outbox_due",
                condition=models.Q(state__in=["pending", "sending"]),
            ),
            models.Index(
                fields=["lane", "id"],
                name="outbox_lane",
                condition=models.Q(state__in=["pending", "sending"]),
            ),
            models.Index(
                fields=["supersedes", "id"],
                name="outbox_supersedes",
                condition=models.Q(state__in=["pending", "sending"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call} #{self.pk}"

    @property
    def is_settled(self) -> bool:
        return self.state in {self.State.APPLIED, self.State.FAILED, self.State.SUPERSEDED}
