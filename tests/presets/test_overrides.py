from dataclasses import dataclass, field
from typing import Literal

import pytest

from daydreamer.presets.overrides import BadOverride, override


@dataclass(frozen=True)
class Inner:
    size: int = 3
    rate: float = 0.5
    on: bool = False
    limit: float | None = None
    kind: Literal["a", "b"] = "a"
    pair: tuple[float, float] = (1.0, 2.0)
    text: str = "x"

    def __post_init__(self):
        if self.size < 0:
            raise ValueError("size is negative")


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    options: dict = field(default_factory=dict)


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ("inner.size=7", "size", 7),
        ("inner.rate=2", "rate", 2.0),
        ("inner.rate=1e-3", "rate", 1e-3),
        ("inner.on=true", "on", True),
        ("inner.on=True", "on", True),
        ("inner.limit=none", "limit", None),
        ("inner.limit=4", "limit", 4.0),
        ("inner.kind=b", "kind", "b"),
        ("inner.pair=[3, 4]", "pair", (3, 4)),
        ("inner.text=12", "text", "12"),
        (" inner.size = 7 ", "size", 7),
    ],
)
def test_a_value_is_read_as_its_field_wants_it(change, name, value):
    changed = override(Outer(), change)
    found = getattr(changed.inner, name)
    assert found == value and type(found) is type(value)
    assert Outer().inner == Inner(), "the original is as it was"


def test_options_of_a_robot_take_any_name():
    changed = override(override(Outer(), "options.latency=0.02"), "options.start=back")
    assert changed.options == {"latency": 0.02, "start": "back"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("inner.rate=NaN", "finite"),
        ("inner.limit=Infinity", "finite"),
        ("inner.pair=[1, 2, 3]", "expected 2 values"),
        ('inner.pair=["a", 2]', "type float"),
        ("inner.pair=[1, NaN]", "finite"),
        ("options.friction=[0.5, NaN]", "finite"),
        ("inner.size", "expected PATH=VALUE"),
        ("inner.sise=3", "Did you mean 'size'"),
        ("iner.size=3", "Did you mean 'inner'"),
        ("inner.size=big", "of type int, got 'big'"),
        ("inner.size=1.5", "of type int"),
        ("inner.size=true", "of type int"),
        ("inner.on=1", "of type bool"),
        ("inner.kind=c", "one of a, b"),
        ("inner.size=-1", "size is negative"),
        ("inner=3", "set one of inner.size"),
        ("inner.size.more=3", "no parts"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(change, says):
    with pytest.raises(BadOverride, match=says.replace("(", r"\(")):
        override(Outer(), change)
