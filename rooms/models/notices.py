from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """What a room's notice said from `created_at` on, and who set it; kept for ever."""

    room = models.ForeignKey("rooms.Room", on_delete=models.CASCADE, related_name="notices", verbose_name=_("room"))
    introduction = models.CharField(_("introduction"), max_length=240, blank=True)
    notification = models.CharField(_("notice"), max_length=300, blank=True)
    actor_name = models.CharField(_("actor name"), max_length=150)
    actor_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("user")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [models.Index(fields=["room", "-id"], name="notice_room_newest")]

    def __str__(self) -> str:
        return self.notification or self.introduction
