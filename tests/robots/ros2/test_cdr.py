"""Our bytes and definitions against rosbags, whose bytes and hashes are those of ROS 2."""

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.typesys import Stores, get_typestore

from robots.ros2 import convert, definitions, diagnostics, topics
from robots.ros2.cdr import MessageError, encode
from robots.ros2.definitions import ONE, PRIMITIVES, fields
from robots.ros2.seen import Seen
from tests.contracts.ros2_contract import SAID
from tests.runtime.ros2_telemetry import telemetry

SEEN = Seen.of(telemetry())
MADE = {topic: make(SEEN) for topic, make in convert.EACH_MOMENT.items()} | {
    topics.DIAGNOSTICS: diagnostics.diagnostics(SEEN),
    topics.METRICS: diagnostics.metrics(1.5, "a1", {"now": {"reward": 5.5, "up": 1.0}}),
    topics.MODE: convert.mode(SEEN),
}

RECORDED = {
    definitions.FLOAT: {"data": 5.5},
    definitions.TRANSFORMS: convert.transforms(SEEN, np.array([1.0, 2.0, 0.25])),
    definitions.LOG: {
        "stamp": {"sec": 1, "nanosec": 2}, "level": 30, "name": "spot", "msg": "fault: warm",
        "file": "", "function": "f", "line": 7,
    },
}  # fmt: skip
EVERY = SAID | RECORDED


@pytest.fixture(scope="module", params=[Stores.ROS2_HUMBLE, Stores.ROS2_JAZZY], ids=["humble", "jazzy"])
def store(request):
    return get_typestore(request.param)


def theirs(store, kind, message):
    """``message`` as an object of rosbags."""
    made = {}
    for field in fields(kind):
        value = message[field.name]
        if field.type not in PRIMITIVES:
            value = theirs(store, field.type, value) if field.size == ONE else [
                theirs(store, field.type, one) for one in value
            ]  # fmt: skip
        elif field.type == "float64" and field.size != ONE:
            value = np.array(value, np.float64)
        made[field.name] = value
    return store.types[kind](**made)


def plain(kind, thing):
    """An object of rosbags as fields."""
    found = {}
    for field in fields(kind):
        value = getattr(thing, field.name)
        if field.type not in PRIMITIVES:
            value = plain(field.type, value) if field.size == ONE else [plain(field.type, v) for v in value]
        elif field.size != ONE:
            value = list(value)
        found[field.name] = value
    return found


@pytest.mark.parametrize("topic", topics.OUT, ids=lambda topic: topic.name)
def test_what_we_convert_is_what_rosbags_writes_and_reads(store, topic):
    data = encode(topic.type, MADE[topic])
    assert data == bytes(store.serialize_cdr(theirs(store, topic.type, MADE[topic]), topic.type))
    assert plain(topic.type, store.deserialize_cdr(data, topic.type)) == MADE[topic]


@pytest.mark.parametrize("kind", EVERY)
def test_every_type_is_the_same_bytes(store, kind):
    assert encode(kind, EVERY[kind]) == bytes(store.serialize_cdr(theirs(store, kind, EVERY[kind]), kind))


def test_the_hashes_are_those_of_ros_2(store):
    assert {kind: store.hash_rihs01(kind) for kind in definitions.HASHES} == definitions.HASHES


def test_bytes_by_hand():
    # Header: CDR little-endian. Then 2 characters and a zero: length 3; padding to 4 is the next value's affair.
    assert encode(definitions.STRING, {"data": "ab"}).hex() == "00010000" + "03000000" + "616200"
    # Time 1 s and 2 ns; an empty string is a zero alone, length 1; padding 3 to the next length.
    head = "01000000" + "02000000" + "01000000" + "00" + "000000"
    empty = {"header": {"stamp": {"sec": 1, "nanosec": 2}, "frame_id": ""}, "status": []}
    assert encode(definitions.DIAGNOSTICS, empty).hex() == "00010000" + head + "00000000"


@pytest.mark.parametrize("wrong", [{}, {"data": True, "more": 1}, {"data": "yes", "more": 1}])
def test_fields_that_are_not_the_types_are_refused(wrong):
    with pytest.raises(MessageError, match="data"):
        encode(definitions.BOOL, wrong)


def test_a_value_of_another_kind_is_refused_and_named():
    wrong = {"header": {"stamp": {"sec": "now", "nanosec": 0}, "frame_id": ""}, "status": []}
    with pytest.raises(MessageError, match="sec is 'now'"):
        encode(definitions.DIAGNOSTICS, wrong)
