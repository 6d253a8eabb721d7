"""Fields that accept what the document says and nothing that merely looks like it."""

from typing import Any, Final, Self

from django.http import QueryDict
from rest_framework import serializers

_FLAGS: Final = {"true": True, "false": False}


class Text(serializers.CharField):
    """A JSON string; DRF would take numbers too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Switch(serializers.BooleanField):
    """A JSON boolean; DRF would take numbers and words too."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class QuerySwitch(serializers.BooleanField):
    """`true` or `false` in a query."""

    def to_internal_value(self, data: Any) -> bool:
        if data not in _FLAGS:
            self.fail("invalid", input=data)
        return _FLAGS[data]


class Query(serializers.Serializer[Any]):
    """The filters of a list. An empty value is a value: `since=` is refused, not overlooked."""

    @classmethod
    def of(cls, params: QueryDict) -> Self:
        lists = {name for name, field in cls().fields.items() if isinstance(field, serializers.MultipleChoiceField)}
        return cls(data={name: params.getlist(name) if name in lists else params[name] for name in params})
