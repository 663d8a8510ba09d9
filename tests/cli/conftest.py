"""Keys as they lie on two computers, and what a command hands to the loop that it is about."""

import inspect

import pytest

from tests.contracts.keys_apart import robots_keys


@pytest.fixture
def keys(tmp_path):
    """The robot's, of the actor spot; the learner's are in the directory beside it."""
    return robots_keys(tmp_path, "spot")


@pytest.fixture
def noted(monkeypatch):
    """``noted(module, "Link")``: a dictionary that has what a Link was made with, by name, defaults as well."""

    def noted(module, name):
        given, made = {}, getattr(module, name)

        def make(*values, **named):
            bound = inspect.signature(made).bind(*values, **named)
            bound.apply_defaults()
            given.update(bound.arguments)
            return made(*values, **named)

        monkeypatch.setattr(module, name, make)
        return given

    return noted
