from django import forms
from django.utils.translation import gettext_lazy as _

from rooms.forms.fields import TextField
from rooms.services.control import OPERATOR_MESSAGE_BYTES, MessageStyle


class ReplayForm(forms.Form):
    replay_url = forms.CharField(
        label=_("Replay"),
        max_length=500,
        help_text=_("The recording's address, starting with https://."),
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )


class MuteAllForm(forms.Form):
    """The switch as it should be, not a toggle: saying it twice changes nothing."""

    is_muted = forms.BooleanField(required=False)


class SpeakForm(forms.Form):
    text = TextField(
        label=_("Message"),
        strip=False,
        error_messages={"required": _("Write a message first.")},
        widget=forms.Textarea(
            attrs={
                "rows": 2,
                "data-byte-limit": OPERATOR_MESSAGE_BYTES,
                "placeholder": _("Say something into the room"),
            }
        ),
    )
    style = forms.ChoiceField(
        label=_("Style"),
        choices=MessageStyle.choices,
        initial=MessageStyle.PLAIN,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("Choose plain, highlight or warning.")},
    )
