from django.db import models
from django.utils.translation import gettext_lazy as _


class Message(models.Model):
    """Something Chat delivered in a room. `elements` are neutral elements as `rooms.chat.elements` makes them.

    `kind` is what a feed shows and filters by: the first element's kind, or `gift`, `like`, `status`, `notice`,
    `warning`, `custom` for custom elements. `text` is what a person would read of it.
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        HIGHLIGHT = "highlight", _("Highlight")
        WARNING = "warning", _("Warning")
        STATUS = "status", _("Status")
        NOTICE = "notice", _("Notice")
        GIFT = "gift", _("Gift")
        LIKE = "like", _("Like")
        MEDIA = "media", _("Media")
        CUSTOM = "custom", _("Custom")

    room = models.ForeignKey("rooms.Room", on_delete=models.CASCADE, related_name="messages")
    seq = models.BigIntegerField()
    account = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=Kind)
    text = models.TextField(blank=True)
    elements = models.JSONField(default=list)
    cloud_custom_data = models.TextField(blank=True)
    priority = models.CharField(max_length=8, blank=True)
    msg_id = models.CharField(max_length=100, blank=True)
    random = models.BigIntegerField(default=0)
    is_from_rest = models.BooleanField(default=False)
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [models.UniqueConstraint(fields=["room", "seq"], name="message_room_seq")]

    def __str__(self) -> str:
        return f"{self.room_id}/{self.seq}"
