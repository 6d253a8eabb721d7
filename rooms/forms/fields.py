from typing import Any

from django import forms


class TextField(forms.CharField):
    """Several lines of text whose line ends are one byte, as Chat counts them and clients show them."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")
