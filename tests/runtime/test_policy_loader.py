import threading

from daydreamer.core.errors import Corrupt
from daydreamer.runtime.policy_loader import PolicyLoader
from tests.contracts.link_contract import eventually


def test_it_builds_beside_and_only_the_newest():
    begun, go = threading.Event(), threading.Event()
    built = []

    def build(data):
        begun.set()
        assert go.wait(60)
        built.append(data)
        if data == b"bad":
            raise Corrupt("no policy")
        return data

    loader = PolicyLoader(build)
    loader.load(b"1")
    assert begun.wait(60)
    assert loader.take() is None, "it is still being built, and nobody waited"
    for data in (b"2", b"3", b"bad"):
        loader.load(data)
    go.set()
    loader.close()
    assert b"2" not in built, "overtaken before its turn"
    assert loader.take() in (b"1", b"3")
    assert loader.take() is None


def test_one_that_cannot_be_built_leaves_the_running_one_alone(caplog):
    done = threading.Event()

    def build(data):
        if data == b"good":
            done.set()
            return data
        raise Corrupt("torn")

    loader = PolicyLoader(build)
    loader.load(b"bad")
    loader.load(b"good")
    assert done.wait(60)
    loader.close()
    assert loader.take() == b"good"


def test_a_mistake_in_building_does_not_end_the_loading_of_policies(caplog):
    done = threading.Event()

    def build(data):
        if data == b"good":
            done.set()
            return data
        raise TypeError("unhashable type: 'list'")

    loader = PolicyLoader(build)
    loader.load(b"odd")
    eventually(lambda: "unhashable" in caplog.text)
    loader.load(b"good")
    assert done.wait(60)
    loader.close()
    assert loader.take() == b"good"
