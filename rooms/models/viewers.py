from django.db import models
from django.utils.translation import gettext_lazy as _


class Viewer(models.Model):
    """A person known by Chat account, across rooms."""

    account = models.CharField(_("account"), max_length=64, unique=True)
    nick = models.CharField(_("nickname"), max_length=200, blank=True)
    avatar_url = models.URLField(_("avatar"), max_length=500, blank=True)
    is_online = models.BooleanField(_("online"), default=False)
    state_changed_at = models.DateTimeField(_("state changed"), null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"), auto_now_add=True)

    class Meta:
        verbose_name = _("viewer")
        verbose_name_plural = _("viewers")

    def __str__(self) -> str:
        return self.nick or self.account


class Membership(models.Model):
    """One viewer in one room. `changed_at` is the EventTime of the newest join or exit that was applied."""

    room = models.ForeignKey("rooms.Room", on_delete=models.CASCADE, related_name="memberships")
    viewer = models.ForeignKey(Viewer, on_delete=models.CASCADE, related_name="memberships")
    is_present = models.BooleanField(default=True)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["room", "viewer"], name="membership_room_viewer")]
        indexes = [models.Index(fields=["room", "-is_present", "-joined_at", "-id"], name="membership_present")]

    def __str__(self) -> str:
        return f"{self.viewer_id} in {self.room_id}"
