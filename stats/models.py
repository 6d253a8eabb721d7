from django.db import models
from django.utils.translation import gettext_lazy as _


class RoomMinute(models.Model):
    """What happened in one room in one UTC minute. Written by increments only, in the events' own transaction."""

    room = models.ForeignKey("rooms.Room", on_delete=models.CASCADE, related_name="minutes")
    minute = models.DateTimeField()
    before_count = models.PositiveIntegerField(default=0)
    message_count = models.PositiveIntegerField(default=0)
    join_count = models.PositiveIntegerField(default=0)
    exit_count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("room minute")
        verbose_name_plural = _("room minutes")
        constraints = [models.UniqueConstraint(fields=["room", "minute"], name="room_minute")]

    def __str__(self) -> str:
        return f"{self.room_id} {self.minute:%Y-%m-%d %H:%M}"
