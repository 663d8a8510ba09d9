"""What holds for every packet: what goes in comes out, nothing wraps, and bad bytes give one kind of error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from robots.a1 import crc, model, wire
from robots.a1.protocol import (
    Header,
    LowCmd,
    LowState,
    PacketError,
    decode_command,
    decode_state,
    encode_command,
    encode_state,
)
from robots.a1.protocol_speed import protocol_speed
from robots.robot import JointCommand, RobotError

# A decoder that warns writes to a terminal from the control loop.
pytestmark = pytest.mark.filterwarnings("error")

FLOAT32 = float(np.finfo(np.float32).max)
# Every fixed-point field: wire units in one SI unit, and the range of the wire.
FIXED = {
    ("command", "torque"): (256, -32768, 32767),
    ("command", "kp"): (32, -32768, 32767),
    ("command", "kd"): (16, -32768, 32767),
    ("command", "mode"): (1, 0, 255),
    ("state", "torque"): (256, -32768, 32767),
    ("state", "acc"): (1, -32768, 32767),
    ("state", "acc_raw"): (1, -32768, 32767),
    ("state", "temperature"): (1, -128, 127),
    ("state", "mode"): (1, 0, 255),
    ("state", "foot_force"): (1, -32768, 32767),
    ("state", "foot_force_est"): (1, -32768, 32767),
}
FLOATS = [("command", "pos"), ("command", "vel")]
FLOATS += [
    ("state", name) for name in ("pos", "vel", "pos_raw", "vel_raw", "quat_wxyz", "gyro", "accel", "rpy")
]
LENGTH = {"quat_wxyz": 4, "gyro": 3, "accel": 3, "rpy": 3, "foot_force": 4, "foot_force_est": 4}


def zero_state() -> LowState:
    return LowState(*(np.zeros(n) for n in (4, 3, 3, 3, 20, 20, 20, 20, 20, 20, 4)))


def through(kind: str, **changed):
    """A packet with ``changed`` fields, encoded and decoded."""
    if kind == "command":
        return decode_command(encode_command(LowCmd.brake()._replace(**changed)))
    return decode_state(encode_state(zero_state()._replace(**changed)))


def wanted(name: str, value: float):
    return np.full(LENGTH.get(name, 20), float(value))


@pytest.mark.parametrize(("kind", "name"), FIXED)
def test_a_fixed_point_field_keeps_its_boundaries_and_stops_at_them(kind, name):
    scale, low, high = FIXED[kind, name]
    for asked, comes in {
        low / scale: low / scale,
        high / scale: high / scale,
        (high + 1) / scale: high / scale,
        (low - 1) / scale: low / scale,
        1.7e308: high / scale,
        -1.7e308: low / scale,
        0.0: 0.0,
        1 / scale: 1 / scale,
        0.999 / scale: 0.0,
        -0.999 / scale: 0.0,
    }.items():
        np.testing.assert_array_equal(getattr(through(kind, **{name: wanted(name, asked)}), name), comes)


@pytest.mark.parametrize(("kind", "name"), FLOATS)
@pytest.mark.parametrize(
    ("asked", "comes"),
    [
        (FLOAT32, FLOAT32),
        (-FLOAT32, -FLOAT32),
        (1.7e308, FLOAT32),
        (-1.7e308, -FLOAT32),
        (0.5, 0.5),
        (1e-50, 0.0),
    ],
)
def test_a_float_field_keeps_its_boundaries_and_stops_at_them(kind, name, asked, comes):
    np.testing.assert_array_equal(getattr(through(kind, **{name: wanted(name, asked)}), name), comes)


@pytest.mark.parametrize(
    ("name", "asked", "vendors", "ours"),
    [
        ("kd", 0.3, 0.25, 0.25),  # 4.8 sixteenths, cut off to 4
        ("kd", 0.05, 0.0, 0.0),
        ("torque", 128.0, -128.0, 127.99609375),  # the vendor's client wraps; we stop at 32767 / 256
        ("torque", 200.0, -56.0, 127.99609375),
        ("kp", 1024.0, -1024.0, 1023.96875),
    ],
)
def test_where_the_vendors_client_wraps_ours_stops(name, asked, vendors, ours):
    came = getattr(through("command", **{name: wanted(name, asked)}), name)
    np.testing.assert_array_equal(came, ours)
    assert vendors == ours or np.sign(vendors) != np.sign(asked)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, (5, 12), elements=st.floats(-1e6, 1e6)))
def test_a_command_comes_out_as_it_went_in_up_to_its_resolution(numbers):
    came = decode_command(encode_command(LowCmd.servo(JointCommand(*numbers))))
    assert (came.mode == wire.SERVO).all()
    for row, name in zip(numbers, ("pos", "vel", "torque", "kp", "kd"), strict=True):
        sent, scale = getattr(came, name)[:12], wire.SCALE.get(name)
        if scale is None:
            np.testing.assert_array_equal(sent, row.astype(np.float32))
            continue
        inside = np.clip(row, -32768 / scale, 32767 / scale)
        assert (np.abs(sent - inside) < 1 / scale).all()
        assert (np.abs(sent) <= np.abs(inside)).all(), "cut off towards zero, never away from it"
        assert (sent * row >= 0).all(), "a sign never turns"


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=600, max_size=600), st.sampled_from([wire.COMMAND_BYTES, wire.STATE_BYTES]))
def test_decoded_bytes_encode_to_the_same_values(body, size):
    """Any bytes with a right checksum: either a typed error, or a value that survives being sent again."""
    packet = crc.seal(bytearray((body * 2)[:size]))
    decode, encode = CODECS[size]
    try:
        once = decode(packet)
    except PacketError as error:
        assert error.reason == "not finite"
        return
    unused = [np.asarray(value) for value in once if not isinstance(value, bytes | tuple)]
    if all(np.isfinite(value).all() for value in unused):
        for first, again in zip(once, decode(encode(once)), strict=True):
            np.testing.assert_array_equal(first, again)


CODECS = {
    wire.COMMAND_BYTES: (decode_command, encode_command),
    wire.STATE_BYTES: (decode_state, encode_state),
}
GOOD = {
    wire.COMMAND_BYTES: encode_command(LowCmd.brake()),
    wire.STATE_BYTES: encode_state(zero_state()),
}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=1600))
def test_random_bytes_are_a_packet_error_and_nothing_else(data):
    for decode, _ in CODECS.values():
        with pytest.raises(PacketError):
            decode(data)


@pytest.mark.parametrize("size", CODECS)
def test_every_single_flipped_bit_is_seen_unless_it_lies_in_the_reserve_bytes(size):
    decode, _ = CODECS[size]
    for at in range(size):
        for bit in (0, 3, 7):
            flipped = bytearray(GOOD[size])
            flipped[at] ^= 1 << bit
            if crc.covered(size) <= at < size - 4:
                decode(flipped)  # not covered, and not read
                continue
            with pytest.raises(PacketError) as seen:
                decode(flipped)
            assert seen.value.reason == "checksum"


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(CODECS)), st.lists(st.tuples(st.integers(0, 770), st.integers(0, 255)), max_size=6)
)
def test_changed_bytes_give_a_value_or_a_packet_error(size, changes):
    """With the checksum put right again, so that the rest of the decoder is reached."""
    packet = bytearray(GOOD[size])
    for at, value in changes:
        packet[at % size] = value
    try:
        CODECS[size][0](crc.seal(packet))
    except PacketError as error:
        assert error.reason == "not finite"


@pytest.mark.parametrize("size", CODECS)
@pytest.mark.parametrize("wrong", [0, 1, 3, 4, 7, -1, +1, 2000])
def test_a_wrong_length_is_refused_by_name(size, wrong):
    data = bytes(size + wrong) if abs(wrong) == 1 else bytes(wrong)
    with pytest.raises(PacketError, match=f"has {size} bytes, {len(data)} came") as seen:
        CODECS[size][0](data)
    assert seen.value.reason == "length" and isinstance(seen.value, RobotError)


def test_the_zeros_that_a_vendors_client_may_begin_with_are_refused():
    with pytest.raises(PacketError) as seen:
        decode_command(bytes(610))
    assert seen.value.reason == "checksum"


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [10, 26, 38, 50, 63 + 1, 63 + 5, 63 + 32 * 11 + 1])
def test_a_state_that_is_not_finite_is_refused(worst, at):
    packet = bytearray(GOOD[wire.STATE_BYTES])
    packet[at : at + 4] = np.float32(worst).tobytes()
    with pytest.raises(PacketError) as seen:
        decode_state(crc.seal(packet))
    assert seen.value.reason == "not finite"


SIGNALLING_NAN = b"\x01\x00\x80\x7f"


@pytest.mark.parametrize("at", [10, 63 + 1, 63 + 13, 63 + 32 * 19 + 1])
def test_a_signalling_nan_raises_no_warning(at):
    packet = bytearray(GOOD[wire.STATE_BYTES])
    packet[at : at + 4] = SIGNALLING_NAN
    try:
        decode_state(crc.seal(packet))
    except PacketError as error:
        assert error.reason == "not finite"


def test_what_nobody_reads_may_be_anything():
    packet = bytearray(GOOD[wire.STATE_BYTES])
    packet[63 + 32 * 12 + 1 : 63 + 32 * 12 + 5] = np.float32(np.nan).tobytes()
    assert np.isnan(decode_state(crc.seal(packet)).pos[12])


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_buffer_decodes(kind):
    assert decode_state(kind(GOOD[wire.STATE_BYTES])).tick == 0
    assert decode_command(kind(GOOD[wire.COMMAND_BYTES])).led == bytes(12)


def test_decoded_arrays_do_not_look_into_the_buffer_they_came_from():
    buffer = bytearray(GOOD[wire.STATE_BYTES])
    state = decode_state(buffer)
    buffer[:] = b"\xff" * len(buffer)
    assert not state.pos.any() and not state.quat_wxyz.any()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"pos": np.full(20, np.nan)}, "expected finite numbers, got nan"),
        ({"torque": np.full(20, np.inf)}, "expected finite numbers, got inf"),
        ({"kp": np.zeros(12)}, r"expected numbers of shape \(6, 20\)"),
        ({"led": bytes(11)}, "led: expected 12 bytes, got 11"),
        ({"remote": bytes(41)}, "remote: expected 40 bytes, got 41"),
        ({"header": Header(level=256)}, "expected integers that fit their fields"),
        ({"header": Header(serial=-1)}, "expected integers that fit their fields"),
    ],
)
def test_a_command_that_no_packet_can_carry_is_refused(changed, says):
    with pytest.raises(PacketError, match=says) as seen:
        encode_command(LowCmd.brake()._replace(**changed))
    assert seen.value.reason == "value"


@pytest.mark.parametrize(
    "changed",
    [
        {"gyro": np.zeros(4)},
        {"quat_wxyz": np.full(4, np.nan)},
        {"foot_force": np.zeros(3)},
        {"tick": 1 << 32},
        {"tick": -1},
        {"imu_temperature": 128},
        {"remote": b""},
        {"temperature": np.zeros(12)},
    ],
    ids=str,
)
def test_a_state_that_no_packet_can_carry_is_refused(changed):
    with pytest.raises(PacketError) as seen:
        encode_state(zero_state()._replace(**changed))
    assert seen.value.reason == "value"


def test_a_joint_command_of_another_robot_is_refused():
    with pytest.raises(
        PacketError, match=r"command\.pos: expected numbers of shape \(12,\), got shape \(8,\)"
    ):
        LowCmd.servo(JointCommand(*np.zeros((5, 8))))


def test_a_joint_command_moves_the_motors_and_leaves_the_other_slots_alone():
    hold = JointCommand.hold(np.arange(12) / 8, model.info(simulated=False))
    came = decode_command(encode_command(LowCmd.servo(hold)))
    np.testing.assert_array_equal(came.pos[:12], hold.pos)
    np.testing.assert_array_equal(came.kp[:12], 100.0)
    np.testing.assert_array_equal(came.kd[:12], np.tile([1.0, 2.0, 2.0], 4))
    assert (came.pos[12:] == wire.POS_STOP).all() and not came.kp[12:].any()


def test_the_speed_is_measured_in_microseconds_of_each_direction():
    found = protocol_speed(seconds=0.02)
    assert sorted(found) == [
        "a1_decode_command_us",
        "a1_decode_state_us",
        "a1_encode_command_us",
        "a1_encode_state_us",
    ]
    assert all(us > 0 for us in found.values())
