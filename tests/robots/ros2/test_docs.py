"""The page of the bridge has its topics as the code does."""

from pathlib import Path

import pytest

from robots.ros2 import topics

PAGE = (Path(__file__).parents[3] / "docs" / "ros2.md").read_text("utf-8")


@pytest.mark.parametrize("topic", topics.OUT, ids=lambda topic: topic.name)
def test_a_topic_that_goes_out_stands_in_the_table(topic):
    kind = topic.type.replace("/msg/", "/")
    quality = f"reliable, {'transient-local' if topic.qos.latched else 'volatile'}, {topic.qos.depth}"
    assert topic.qos.reliable
    assert f"| `{topic.name}` | `{kind}` | {quality} | {topic.about} |" in PAGE


@pytest.mark.parametrize(
    "topic", {topic.name: topic for topic in topics.IN}.values(), ids=lambda topic: topic.name
)
def test_a_topic_that_comes_in_stands_in_the_table(topic):
    assert f"| `{topic.name}` | `std_msgs/Bool` |" in PAGE and f"| {topic.about} |" in PAGE
