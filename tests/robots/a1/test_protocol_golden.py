"""Packets that the vendor's own clients sent and accepted, decoded and encoded again."""

import json
from pathlib import Path

import numpy as np
import pytest

from robots.a1 import crc, wire
from robots.a1.protocol import Header, decode_command, decode_state, encode_command, encode_state

VECTORS = json.loads((Path(__file__).parent / "data" / "a1_vectors.json").read_text())
COMMAND = bytes.fromhex(VECTORS["lowcmd_position_example"]["hex"])
STATE = bytes.fromhex(VECTORS["lowstate_accepted_by_vendor_client"]["hex"])
SAYS = VECTORS["lowstate_accepted_by_vendor_client"]["decoded"]


def slow_crc(packet: bytes) -> int:
    """The checksum bit by bit, as it is defined."""
    register = 0xFFFFFFFF
    for at in range(0, 4 * ((len(packet) >> 2) - 1), 4):
        register ^= int.from_bytes(packet[at : at + 4], "little")
        for _ in range(32):
            register = (register << 1) ^ (0x04C11DB7 if register >> 31 else 0)
            register &= 0xFFFFFFFF
    return register


@pytest.mark.parametrize("packet", [COMMAND, STATE], ids=["command", "state"])
def test_the_checksum_is_the_vendors(packet):
    assert crc.crc(packet) == int.from_bytes(packet[-4:], "little") == slow_crc(packet)


@pytest.mark.parametrize("size", [8, 9, 10, 11, 12, 610, 771])
def test_the_fast_checksum_is_the_slow_one(size):
    packet = np.random.default_rng(size).bytes(size)
    assert crc.crc(packet) == slow_crc(packet)


def test_the_checksum_covers_151_and_191_words():
    assert (crc.covered(610), crc.covered(771)) == (604, 764)


def test_the_vendors_position_example_asks_for_its_torque_and_nothing_else():
    asked = decode_command(COMMAND)
    # The example holds the four hips up with 0.65 N m: 0.65 x 256 = 166.4, cut off to 166 / 256 = 0.6484375.
    np.testing.assert_array_equal(asked.torque[:12], np.tile([-0.6484375, 0, 0, 0.6484375, 0, 0], 2))
    assert (asked.mode == wire.SERVO).all()
    # Three joints are put to zero already; the others, and the slots without a motor, track nothing.
    np.testing.assert_array_equal(asked.pos, [0.0] * 3 + [wire.POS_STOP] * 17)
    np.testing.assert_array_equal(asked.vel, [0.0] * 3 + [wire.VEL_STOP] * 17)
    assert not asked.kp.any() and not asked.kd.any()
    assert asked.header == Header(level=0xFF)
    assert not any(asked.led) and not any(asked.remote)


def test_the_vendors_position_example_comes_out_byte_for_byte():
    assert encode_command(decode_command(COMMAND)) == COMMAND


def test_a_state_says_what_the_vendors_clients_read_from_it():
    state, imu = decode_state(STATE), SAYS["imu"]
    assert state.header == Header(
        SAYS["levelFlag"], SAYS["commVersion"], SAYS["robotID"], SAYS["SN"], SAYS["bandWidth"]
    )
    np.testing.assert_allclose(state.quat_wxyz, imu["quat_wxyz"], rtol=1e-5)
    np.testing.assert_allclose(state.gyro, imu["gyro"], rtol=1e-6)
    np.testing.assert_allclose(state.accel, imu["accel"], rtol=1e-6)
    np.testing.assert_allclose(state.rpy, imu["rpy"], rtol=1e-6)
    assert state.imu_temperature == imu["temperature"]
    np.testing.assert_array_equal(state.foot_force, SAYS["footForce"])
    assert state.tick == SAYS["tick"]
    assert state.remote == bytes(range(40))


@pytest.mark.parametrize("slot", ["0", "1", "11"])
def test_a_motor_says_what_the_vendors_clients_read_from_it(slot):
    state, motor = decode_state(STATE), SAYS["motor"][slot]
    for ours, theirs in {
        "mode": "mode",
        "pos": "q",
        "vel": "dq",
        "acc": "ddq",
        "torque": "tauEst",
        "pos_raw": "q_raw",
        "vel_raw": "dq_raw",
        "acc_raw": "ddq_raw",
        "temperature": "temperature",
    }.items():
        assert getattr(state, ours)[int(slot)] == pytest.approx(motor[theirs], rel=1e-5), ours


def test_a_state_comes_out_byte_for_byte_but_for_the_reserve_words():
    expected = bytearray(STATE)
    for slot in range(20):
        motor = wire.STATE_MOTORS_AT + 32 * slot
        expected[motor + 24 : motor + 32] = bytes(8)
    expected[763:767] = bytes(4)
    assert encode_state(decode_state(STATE)) == crc.seal(expected)
