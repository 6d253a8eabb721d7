from typing import Any, NoReturn, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AppendOnlyError(TypeError):
    """Somebody tried to change or delete what is only ever added to."""


class AppendOnlyQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("audit entries are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("audit entries are never deleted")

    def of_room(self, room_id: int) -> Self:
        return self.filter(room_id=room_id)


class AuditEntry(models.Model):
    """Who did what to which room, and what it was before. Verbs are `app.noun.past_participle`."""

    verb = models.CharField(_("action"), max_length=60)
    room = models.ForeignKey(
        "rooms.Room", on_delete=models.PROTECT, null=True, related_name="audit_entries", verbose_name=_("room")
    )
    actor_kind = models.CharField(_("kind of actor"), max_length=12)
    actor_name = models.CharField(_("actor name"), max_length=150)
    actor_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("user")
    )
    changes = models.JSONField(_("changes"), default=dict)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["room", "-id"], name="audit_room_newest"),
            models.Index(fields=["verb", "-id"], name="audit_verb_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.actor_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise AppendOnlyError("audit entries are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("audit entries are never deleted")
