from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

group_id_validator = RegexValidator(
    r"\A(?!@TGS#)[\x21-\x7e]{1,48}\Z",
    _("Use 1 to 48 printable ASCII characters that do not start with @TGS#."),
)


class RoomQuerySet(models.QuerySet["Room"]):
    def with_anchor(self) -> Self:
        return self.select_related("anchor")


class Room(models.Model):
    """A live room and the Chat group behind it.

    `version` grows by one with every change an operator makes; counters that webhooks move do not touch it.
    """

    class Status(models.TextChoices):
        TO_BE_STARTED = "to_be_started", pgettext_lazy("room status", "Scheduled")
        ON_LIVE = "on_live", pgettext_lazy("room status", "Live")
        PAUSED = "paused", pgettext_lazy("room status", "Paused")
        ENDED = "ended", pgettext_lazy("room status", "Ended")
        PLAYED_BACK = "played_back", pgettext_lazy("room status", "Replay")

    title = models.CharField(_("title"), max_length=100)
    cover_url = models.CharField(_("cover"), max_length=100, blank=True)
    anchor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rooms", verbose_name=_("anchor")
    )
    group_id = models.CharField(_("group id"), max_length=48, unique=True, validators=[group_id_validator])
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.TO_BE_STARTED)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    scheduled_at = models.DateTimeField(_("scheduled"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    replay_url = models.URLField(_("replay"), max_length=500, blank=True)
    replay_published_at = models.DateTimeField(_("replay published at"), null=True, blank=True)
    introduction = models.CharField(_("introduction"), max_length=240, blank=True)
    notification = models.CharField(_("notice"), max_length=300, blank=True)
    is_mute_all = models.BooleanField(_("everyone muted"), default=False)
    has_group = models.BooleanField(_("has a group"), default=False, editable=False)
    group_destroyed_at = models.DateTimeField(_("group deleted"), null=True, blank=True, editable=False)
    online_count = models.IntegerField(_("online count"), default=0, validators=[MinValueValidator(0)], editable=False)
    peak_online_count = models.IntegerField(_("peak online count"), default=0, editable=False)
    message_count = models.BigIntegerField(_("message count"), default=0, editable=False)
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = RoomQuerySet.as_manager()

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        indexes = [
            models.Index(fields=["status", "-online_count", "-id"], name="room_status_online"),
            models.Index(fields=["status", "-id"], name="room_status_newest"),
            models.Index(fields=["-online_count", "-id"], name="room_online"),
            models.Index(fields=["anchor", "-id"], name="room_anchor_newest"),
            models.Index(fields=["title", "-id"], name="room_title"),
        ]
        permissions = [
            ("operate_room", "Can change a room's status, notice and mute-all"),
            ("speak_room", "Can send an operator's message into a room"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("room", args=[self.pk])

    @property
    def topic(self) -> str:
        return f"room:{self.pk}"
