"""The table of metrics, and the page made from it."""

from pathlib import Path

import pytest

from daydreamer.monitor import glossary, names

DOCS = Path(__file__).parents[2] / "docs"


def test_every_name_has_a_prefix_a_unit_and_a_meaning():
    prefixes = {"train", "robot", "actor", "replay", "policy", "link", "learner", "eval", "safety"}
    for name, metric in names.METRICS.items():
        assert name.split("/")[0] in prefixes
        assert metric.unit and metric.doc, name
        assert format(1.5, metric.spec), name


def test_a_family_allows_its_members_and_nothing_deeper():
    assert names.find("train/loss/recon/joint_pos") is names.METRICS["train/loss/recon/<key>"]
    assert names.find("train/grad_norm/actor") is not None
    assert names.find("train/loss/recon/") is None
    assert names.find("train/loss/recon/a/b") is None
    assert names.find("train/loss/recon/<key>") is None, "the pattern itself is no metric"


def test_unknown_names_come_with_the_nearest_known_one():
    assert names.unknown(["robot/minutes", "policy/version"]) == []
    assert names.unknown(["robot/minuets"]) == ["'robot/minuets' (did you mean 'robot/minutes'?)"]
    assert names.unknown(["quite/different/altogether"]) == ["'quite/different/altogether'"]


def test_check_says_what_is_wrong_and_where_to_add_it():
    with pytest.raises(ValueError, match=r"'robot/minuets' \(did you mean 'robot/minutes'\?\).*names\.py"):
        names.check(["robot/minuets"])


def test_the_page_in_docs_is_made_from_the_tables():
    command = "run: python -m daydreamer.monitor.glossary > docs/metrics.md"
    assert (DOCS / "metrics.md").read_text() == glossary.page(), command


def test_the_page_lists_every_metric():
    page = glossary.page()
    assert all(f"| `{name}` |" in page for name in names.METRICS)
