"""What goes into a record comes out of it."""

from dataclasses import fields

import numpy as np

from robots.a1 import records
from robots.robot import JointCommand, RobotState
from robots.safety.faults import Fault, Finding


def through_bytes(record, kind):
    return records.parse(kind, record.tobytes())


def test_a_command_survives():
    rng = np.random.default_rng(0)
    command = JointCommand(*rng.normal(size=(5, 12)))
    order = records.blank(records.ORDER)
    records.put_command(order, "command", command)
    found = records.get_command(through_bytes(order, records.ORDER), "command")
    for field in fields(JointCommand):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(command, field.name))


def test_a_state_survives_but_for_the_acceleration_that_its_reader_averages():
    rng = np.random.default_rng(1)
    joints = rng.normal(size=(4, 12))
    state = RobotState(
        12.5, *joints[:3], rng.normal(size=4), *rng.normal(size=(2, 3)), rng.normal(size=4), joints[3], 77
    )
    report = records.blank(records.REPORT)
    records.put_state(report, state)
    found = records.get_state(through_bytes(report, records.REPORT), accel=np.array([1.0, 2.0, 3.0]))
    for field in fields(RobotState):
        wanted = [1.0, 2.0, 3.0] if field.name == "accel" else getattr(state, field.name)
        np.testing.assert_array_equal(getattr(found, field.name), wanted, err_msg=field.name)


def test_causes_survive_as_many_as_fit_the_worst_of_them():
    causes = [Finding(fault, 1.5, 2.5, joint) for joint, fault in enumerate(Fault)]
    report = records.blank(records.REPORT)
    records.put_causes(report, causes)
    worst = sorted(causes, key=lambda cause: cause.fault.mode, reverse=True)  # equal ones stay in their order
    assert records.get_causes(through_bytes(report, records.REPORT)) == tuple(worst[: records.CAUSES])
    records.put_causes(report, causes[:1])
    assert records.get_causes(report) == tuple(causes[:1])
    records.put_causes(report, ())
    assert records.get_causes(report) == ()
