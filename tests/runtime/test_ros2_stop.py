"""A stop on its way from ROS 2 to the actor."""

from daydreamer.runtime.ros2_stop import StopKeeper


def test_a_press_is_passed_on_at_once_and_once():
    keeper = StopKeeper()
    assert not keeper.is_due(10.0, stopped=False)
    keeper.heard(True)
    assert keeper.is_due(10.0, stopped=False)
    keeper.arrived(10.0)
    assert not keeper.is_due(60.0, stopped=True)


def test_a_press_is_passed_on_though_the_robot_seems_to_be_stopped_or_nothing_is_known():
    for stopped in (True, None):
        keeper = StopKeeper()
        keeper.heard(True)
        assert keeper.is_due(0.0, stopped)


def test_a_press_that_did_not_arrive_is_tried_again_though_it_was_released():
    keeper = StopKeeper()
    keeper.heard(True)
    keeper.failed(0.0)
    keeper.heard(False)
    assert not keeper.is_due(0.2, stopped=None)
    assert keeper.is_due(0.25, stopped=None)


def test_while_it_is_pressed_a_robot_that_was_reset_is_stopped_again():
    keeper = StopKeeper()
    keeper.heard(True)
    keeper.arrived(0.0)
    assert not keeper.is_due(5.0, stopped=None), "an actor that is silent"
    assert keeper.is_due(5.0, stopped=False), "and comes back, or was reset"
    keeper.heard(False)
    assert not keeper.is_due(5.0, stopped=False), "released: a reset holds"


def test_a_press_that_is_said_over_and_over_is_passed_on_once_while_the_robot_is_seen_to_be_stopped():
    keeper = StopKeeper()
    sent = []
    for second in range(60):  # `ros2 topic pub` says it once a second
        keeper.heard(True)
        if keeper.is_due(float(second), stopped=None if second == 30 else second > 0):
            keeper.arrived(float(second))
            sent.append(second)
    assert sent == [0, 30], "and once more when nothing is known of the robot"


def test_telemetry_from_before_the_stop_does_not_bring_a_second_one():
    keeper = StopKeeper()
    keeper.heard(True)
    keeper.arrived(0.0)
    assert not keeper.is_due(0.5, stopped=False)
    assert keeper.is_due(1.5, stopped=False)


def test_a_storm_of_presses_becomes_ten_stops_a_second_at_most():
    keeper = StopKeeper()
    sent = 0
    for k in range(10_000):  # 1 s of 10 kHz, pressed and released in turn: the worst
        now = k / 10_000
        keeper.heard(k % 2 == 0)
        if keeper.is_due(now, stopped=True):
            keeper.arrived(now)
            sent += 1
    assert sent == 10
