"""What one life of an actor is told in tests of ``daydreamer.runtime.actor``."""


class Stop:
    """Stops after so many questions; one is asked before each step."""

    def __init__(self, after):
        self.left = after

    def __call__(self):
        self.left -= 1
        return "enough" if self.left < 0 else None


class Immediate:
    """Stands for the loader: builds at once, so that a test knows when."""

    def __init__(self, build):
        self.build, self.ready = build, None

    def load(self, data):
        self.ready = self.build(data)

    def take(self):
        ready, self.ready = self.ready, None
        return ready

    def close(self):
        pass
