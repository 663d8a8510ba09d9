"""The mutants that the mutation test makes are the ones it should."""

import pytest

from tests.robots.safety.mutate import mutants


def changed(source):
    return [mutant.source for mutant in mutants("some.py", source)]


def without_brackets(source):
    """As ``ast.unparse`` sets brackets of its own."""
    return source.replace("(", "").replace(")", "")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a <= b", "a >= b"]),
        ("a <= b < c", ["a < b < c", "a > b < c", "a <= b <= c", "a <= b >= c"]),
        ("a == b", ["a != b"]),
        ("a is None", ["a is not None"]),
        ("a and b or c", ["(a and b) and c", "a or b or c"]),
        ("not a", ["a"]),
        ("-a", ["a"]),
        ("a + b * c", ["a - b * c", "a + b / c"]),
        ("a += 1", ["a -= 1", "a += 2"]),
        ("a = 0.0, 2.0", ["1.0, 2.0", "0.0, 2.2"]),
        ("a = 3, True", ["4, True", "3, False"]),
        ("a = min(b, c)", ["max(b, c)"]),
        ("a = b.any()", ["b.all()"]),
        ("a = b if c else d", ["d if c else b"]),
        ("f(a)", ["pass"]),
        ("a: int | None = b", []),
        ("def f(a: int | None) -> int | None: return 'text'", []),
    ],
)  # fmt: skip
def test_changes(source, expected):
    made = changed(source)
    assert len(made) == len(expected)
    for one, other in zip(made, expected, strict=True):
        assert without_brackets(other) in without_brackets(one)


def test_a_mutant_says_what_it_is():
    (mutant,) = mutants("some.py", "\ndef f(a):\n    return a and 'x'\n")
    assert (mutant.file, mutant.line) == ("some.py", 3)
    assert mutant.key == "some.py f: a and 'x' -> a or 'x'"
