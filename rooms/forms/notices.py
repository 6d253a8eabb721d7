from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rooms.forms.fields import TextField
from rooms.models import Notice, Room
from rooms.services.notices import INTRODUCTION_BYTES, NOTIFICATION_BYTES


class NoticeForm(forms.Form):
    """Both texts of a notice. `version` is the room's and `notice_id` the notice's that the writer saw."""

    introduction = TextField(
        label=_("Introduction"),
        required=False,
        help_text=_("What the room is about, shown before somebody enters."),
        widget=forms.Textarea(attrs={"rows": 2, "data-byte-limit": INTRODUCTION_BYTES}),
    )
    notification = TextField(
        label=_("Notice"),
        required=False,
        help_text=_('Pinned in the room. Plain text, or JSON: {"text": "…", "images": ["https://…"]}'),
        widget=forms.Textarea(attrs={"rows": 3, "data-byte-limit": NOTIFICATION_BYTES}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    notice_id = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @classmethod
    def of(cls, room: Room, newest: Notice | None) -> "NoticeForm":
        return cls(initial=_seen(room, newest) | _texts(room))

    def rebased(self, room: Room, newest: Notice | None) -> "NoticeForm":
        """The same words again, now on top of what somebody else has written meanwhile."""
        data: dict[str, Any] = {name: self.data.get(name, "") for name in _texts(room)}
        form = NoticeForm(data=data | _seen(room, newest))
        form.is_valid()
        return form

    def expected_version(self, room: Room, newest: Notice | None) -> int:
        """The version to insist on. Changes elsewhere in the room do not matter while the notice is the one seen."""
        if self.cleaned_data["notice_id"] == (newest.pk if newest else 0):
            return room.version
        return self.cleaned_data["version"] or 0


def _seen(room: Room, newest: Notice | None) -> dict[str, Any]:
    return {"version": room.version, "notice_id": newest.pk if newest else 0}


def _texts(room: Room) -> dict[str, str]:
    return {"introduction": room.introduction, "notification": room.notification}
