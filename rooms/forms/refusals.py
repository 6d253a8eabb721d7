"""A service's refusal on the form it came from."""

from django import forms

from rooms.errors import InvalidInput, RoomsError


def show_refusal(form: forms.Form, refusal: RoomsError) -> None:
    """Beside the field that is meant, or above the form."""
    field = refusal.field if isinstance(refusal, InvalidInput) and refusal.field in form.fields else None
    form.add_error(field, str(refusal.sentence))
