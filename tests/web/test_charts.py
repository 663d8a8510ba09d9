from pathlib import Path

from daydreamer.monitor import alarms, names
from daydreamer.web import charts

DOCUMENT = Path(__file__).parents[2] / "docs" / "monitoring.md"


def test_every_series_is_in_the_table_of_metrics():
    patterns = {pattern for chart in charts.CHARTS for pattern, _ in chart.series}
    assert not [p for p in patterns if names.find(p.replace("*", "any")) is None]


def test_keys_are_unique_and_sections_known():
    assert len({chart.key for chart in charts.CHARTS}) == len(charts.CHARTS)
    assert {chart.section for chart in charts.CHARTS} == {"learning", "dream", "time"}


def test_only_what_a_chart_shows_is_wanted():
    shown, peaks = charts.wanted(["robot/up", "robot/reward", "train/loss/recon/gyro", "actor/late_ms"])
    assert shown == ["robot/reward", "train/loss/recon/gyro", "actor/late_ms"]
    assert peaks == {"actor/late_ms"}


def test_the_document_has_the_tables_of_the_code():
    text = DOCUMENT.read_text()
    assert charts.glossary() in text, "regenerate: python -m daydreamer.web.glossary docs/monitoring.md"
    assert alarms.glossary() in text, "regenerate: python -m daydreamer.web.glossary docs/monitoring.md"
