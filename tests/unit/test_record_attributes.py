"""What a record's fields become in DynamoDB, held against boto3's own translation."""

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from shared.items import attribute, value

FIELDS = st.recursive(
    st.text() | st.booleans() | st.integers(-(10**37), 10**37),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(FIELDS)
def test_a_field_becomes_what_boto3_makes_of_it(field: object) -> None:
    assert attribute(field) == TypeSerializer().serialize(field)


@given(FIELDS)
def test_a_field_is_read_as_it_was_written(field: object) -> None:
    attributes: Any = attribute(field)

    assert value(attributes) == field
    assert value(attributes) == TypeDeserializer().deserialize(attributes)


def test_an_attribute_that_holds_nothing_is_read_as_nothing() -> None:
    assert value({"NULL": True}) is None


def test_what_no_record_holds_is_not_written() -> None:
    with pytest.raises(TypeError, match="float"):
        attribute({"loss": 0.5})
