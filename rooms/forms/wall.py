from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from rooms.forms.rooms import AnchorField, anchors
from rooms.models import Room, User

ANCHOR_LIMIT: Final = 200


class WallForm(forms.Form):
    """What the wall shows, as the address says it. An unknown value counts as not given."""

    SORTS = (
        ("online", _("Most viewers")),
        ("newest", _("Newest")),
        ("title", _("Title")),
        ("scheduled", _("Scheduled")),
    )
    VIEWS = (("tiles", _("Tiles")), ("table", _("Table")))

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    status = forms.MultipleChoiceField(
        label=_("Status"),
        required=False,
        choices=Room.Status.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    anchor = AnchorField(
        label=_("Anchor"),
        required=False,
        queryset=User.objects.none(),
        to_field_name="account",
        empty_label=_("All anchors"),
        widget=forms.Select(attrs={"class": "select"}),
    )
    sort = forms.ChoiceField(
        label=_("Sort"), required=False, choices=SORTS, widget=forms.Select(attrs={"class": "select"})
    )
    view = forms.ChoiceField(label=_("View"), required=False, choices=VIEWS, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, visible: QuerySet[Room], sees_all: bool) -> None:
        super().__init__(data)
        self._visible = visible
        if sees_all:
            self._offer_anchors()
        else:
            del self.fields["anchor"]
        self.is_valid()

    def _offer_anchors(self) -> None:
        """All can be named in the address; the list offers a bounded number, the search box finds the others."""
        field = self.fields["anchor"]
        assert isinstance(field, AnchorField)
        field.queryset = anchors()
        offered = [(anchor.account, field.label_from_instance(anchor)) for anchor in anchors()[:ANCHOR_LIMIT]]
        chosen = self.data.get("anchor", "")
        if chosen and chosen not in dict(offered):
            offered.append((chosen, chosen))
        field.choices = [("", field.empty_label), *offered]

    @property
    def chosen_sort(self) -> str:
        return self.cleaned_data.get("sort") or "online"

    @property
    def chosen_view(self) -> str:
        return self.cleaned_data.get("view") or "tiles"

    @property
    def chosen_statuses(self) -> list[str]:
        return self.cleaned_data.get("status") or []

    @property
    def is_filtered(self) -> bool:
        return any(self.cleaned_data.get(name) for name in ("q", "status", "anchor"))

    def rooms(self) -> QuerySet[Room]:
        """The visible rooms that match."""
        rooms = self._visible
        if self.chosen_statuses:
            rooms = rooms.filter(status__in=self.chosen_statuses)
        if anchor := self.cleaned_data.get("anchor"):
            rooms = rooms.filter(anchor=anchor)
        for word in (self.cleaned_data.get("q") or "").split():
            rooms = rooms.filter(
                Q(title__icontains=word)
                | Q(group_id__icontains=word)
                | Q(anchor__account__icontains=word)
                | Q(anchor__username__icontains=word)
                | Q(anchor__first_name__icontains=word)
                | Q(anchor__last_name__icontains=word)
            )
        return rooms

    def query(self, **changes: Any) -> str:
        """The address's query string for this wall, without what is the default anyway."""
        values: dict[str, Any] = {
            "q": self.cleaned_data.get("q"),
            "status": self.chosen_statuses,
            "anchor": anchor.account if (anchor := self.cleaned_data.get("anchor")) else "",
            "sort": self.chosen_sort,
            "view": self.chosen_view,
            **changes,
        }
        defaults = {"sort": "online", "view": "tiles"}
        return urlencode(
            {name: value for name, value in values.items() if value and value != defaults.get(name)},
            doseq=True,
        )
