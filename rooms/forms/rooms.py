from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from rooms.forms.fields import TextField
from rooms.models import Room, User
from rooms.services.lifecycle import COVER_BYTES
from rooms.services.notices import INTRODUCTION_BYTES, NOTIFICATION_BYTES

_LOCAL_TIME = "%Y-%m-%dT%H:%M"


class AnchorField(forms.ModelChoiceField):  # type: ignore[type-arg]  # cannot be subscripted at run time
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.display_name} ({obj.account})"


def anchors() -> QuerySet[User]:
    """Whoever can broadcast: people with a Chat account."""
    return User.objects.filter(account__isnull=False, is_active=True).order_by("first_name", "username")


class RoomForm(forms.Form):
    """What can be changed about a room at any time. `version` is the one the reader saw."""

    title = forms.CharField(label=_("Title"), max_length=100)
    cover_url = forms.CharField(
        label=_("Cover"),
        required=False,
        help_text=_("The address of a picture, starting with https://. Without one, a cover is painted."),
        widget=forms.URLInput(attrs={"data-byte-limit": COVER_BYTES, "placeholder": "https://"}),
    )
    scheduled_at = forms.DateTimeField(
        label=_("Scheduled"),
        required=False,
        input_formats=[_LOCAL_TIME, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(format=_LOCAL_TIME, attrs={"type": "datetime-local"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @classmethod
    def of(cls, room: Room) -> "RoomForm":
        return cls(initial={name: getattr(room, name) for name in cls.base_fields})

    def rebased(self, room: Room) -> "RoomForm":
        """The same values again, now on top of what somebody else has saved meanwhile."""
        typed = {name: self.data.get(name, "") for name in self.fields}
        form = RoomForm(data={**typed, "version": room.version})
        form.is_valid()
        return form


class NewRoomForm(RoomForm):
    anchor = AnchorField(
        label=_("Anchor"),
        queryset=User.objects.none(),
        empty_label=_("Choose an anchor"),
        help_text=_("Only people with a Chat account can be chosen."),
    )
    group_id = forms.CharField(
        label=_("Group id"),
        required=False,
        max_length=48,
        help_text=_("The Chat group's name, for good. Left empty, one is made up."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    introduction = TextField(
        label=_("Introduction"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "data-byte-limit": INTRODUCTION_BYTES}),
    )
    notification = TextField(
        label=_("Notice"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "data-byte-limit": NOTIFICATION_BYTES}),
    )
    field_order = ("title", "anchor", "scheduled_at", "cover_url", "group_id", "introduction", "notification")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        anchor = self.fields["anchor"]
        assert isinstance(anchor, AnchorField)
        anchor.queryset = anchors()
        del self.fields["version"]
