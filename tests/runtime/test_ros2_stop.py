"""A stop on its way from ROS 2 to the actor."""

from daydreamer.runtime.ros2_stop import StopKeeper


def test_a_press_is_passed_on_at_once_and_once():
    keeper = StopKeeper()
    assert not keeper.is_due(10.0, stopped=False)
    keeper.heard(True, 10.0)
    assert keeper.is_due(10.0, stopped=False)
    keeper.arrived(10.0)
    assert not keeper.is_due(60.0, stopped=True)


def test_a_press_is_passed_on_though_the_robot_seems_to_be_stopped_or_nothing_is_known():
    for stopped in (True, None):
        keeper = StopKeeper()
        keeper.heard(True, 0.0)
        assert keeper.is_due(0.0, stopped)


def test_a_press_that_did_not_arrive_is_tried_again_though_it_was_released():
    keeper = StopKeeper()
    keeper.heard(True, 0.0)
    keeper.failed(0.0)
    keeper.heard(False, 0.1)
    assert not keeper.is_due(0.2, stopped=None)
    assert keeper.is_due(0.25, stopped=None)


def test_while_it_is_pressed_a_robot_that_was_reset_is_stopped_again():
    keeper = StopKeeper()
    keeper.heard(True, 0.0)
    keeper.arrived(0.0)
    assert not keeper.is_due(5.0, stopped=None), "an actor that is silent"
    assert keeper.is_due(5.0, stopped=False), "and comes back, or was reset"
    keeper.heard(False, 5.0)
    assert not keeper.is_due(5.0, stopped=False), "released: a reset holds"


def test_a_storm_of_presses_becomes_ten_stops_a_second_at_most():
    keeper = StopKeeper()
    sent = 0
    for k in range(10_000):  # 1 s of 10 kHz, pressed and released in turn: the worst
        now = k / 10_000
        keeper.heard(k % 2 == 0, now)
        if keeper.is_due(now, stopped=True):
            keeper.arrived(now)
            sent += 1
    assert sent == 10
