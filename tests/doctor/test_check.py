"""How a list of checks reads."""

from daydreamer.doctor.check import Check, Level, summary, table

CHECKS = [
    Check("one", "a", Level.OK, "fine"),
    Check("one", "longer", Level.NOTE, "so so", "do this"),
    Check("two", "b", Level.PROBLEM, "broken", "do that"),
]


def test_a_table_has_groups_and_says_below_what_is_wrong_what_to_do():
    assert table(CHECKS).splitlines() == [
        "one",
        "  ok       a       fine",
        "  note     longer  so so",
        "                   -> do this",
        "",
        "two",
        "  PROBLEM  b       broken",
        "                   -> do that",
    ]


def test_the_summary_counts():
    assert summary(CHECKS) == "1 problem, 1 note, 1 ok"
    assert summary(CHECKS[:1]) == "all 1 checks are ok"


def test_plain_data_has_the_level_as_a_word():
    assert CHECKS[2].plain() == {
        "group": "two",
        "name": "b",
        "level": "problem",
        "found": "broken",
        "do": "do that",
    }
