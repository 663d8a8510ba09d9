"""What every Env must keep. Subclass ``EnvContract``, give ``make_env``, and pytest runs the rest.

    class TestMyEnv(EnvContract):
        def make_env(self) -> Env: ...

``make_env`` returns a new Env whose steps take no real time.
"""

from __future__ import annotations

import numpy as np
import pytest

from daydreamer.core import specs
from daydreamer.core.env import Env
from daydreamer.core.errors import DaydreamerError, SpecMismatch
from daydreamer.core.transition import FLAGS, is_log, row_spec, sensed


class EnvContract:
    """Tests of the Env protocol alone; nothing here knows what is behind it."""

    def make_env(self) -> Env:
        raise NotImplementedError("subclasses say which Env is tested")

    @pytest.fixture
    def env(self):
        env = self.make_env()
        yield env
        env.close()

    def random_action(self, env: Env, seed: int = 0) -> dict[str, np.ndarray]:
        """One action that fits ``act_spec``."""
        rng = np.random.default_rng(seed)
        return {k: rng.uniform(-1, 1, s.shape).astype(s.dtype) for k, s in env.act_spec.items()}

    def test_specs_are_readable_before_reset(self, env):
        assert FLAGS.keys() <= env.obs_spec.keys()
        assert sensed(env.obs_spec), "an agent has something to see"
        assert all((s.low, s.high) == (-1.0, 1.0) for s in env.act_spec.values())
        assert not env.obs_spec.keys() & env.act_spec.keys(), "a row holds both under one roof"

    def test_every_array_has_a_meaning(self, env):
        undocumented = [k for k, s in {**env.obs_spec, **env.act_spec}.items() if not s.doc]
        assert undocumented == []

    def test_reset_returns_a_first_observation_that_fits_its_spec(self, env):
        obs = env.reset()
        specs.validate(env.obs_spec, obs)
        assert obs["is_first"]
        assert not obs["is_last"]
        assert not obs["is_terminal"]

    def test_steps_fit_their_spec_and_only_the_first_is_first(self, env):
        env.reset()
        for seed in range(20):
            obs = env.step(self.random_action(env, seed))
            specs.validate(env.obs_spec, obs)
            assert not obs["is_first"]
            assert not obs["is_terminal"] or obs["is_last"], "a terminal step is a last step"
            if obs["is_last"]:
                env.reset()

    def test_applied_action_fits_a_row(self, env):
        env.reset()
        env.step(self.random_action(env))
        row = row_spec(env.obs_spec, env.act_spec)
        applied = env.applied()
        assert applied.keys() == env.act_spec.keys()
        for name, value in applied.items():
            row[f"applied/{name}"].validate(name, value)

    def test_returned_arrays_belong_to_the_caller(self, env):
        first = env.reset()
        kept = {k: v.copy() for k, v in first.items()}
        second = env.step(self.random_action(env))
        for name, value in kept.items():
            np.testing.assert_array_equal(first[name], value, err_msg=name)
            assert not np.shares_memory(first[name], second[name]), name

    def test_reset_again_starts_anew(self, env):
        env.reset()
        env.step(self.random_action(env))
        assert env.reset()["is_first"]

    @pytest.mark.parametrize("fault", ["missing", "shape", "dtype", "nan", "range"])
    def test_an_action_that_does_not_fit_is_refused(self, env, fault):
        env.reset()
        before = env.applied()
        action = self.random_action(env)
        name = next(iter(action))
        good = action[name]
        bad = {
            "missing": {},
            "shape": {**action, name: np.append(good, good.dtype.type(0))},
            "dtype": {**action, name: good.astype(np.float64)},
            "nan": {**action, name: np.full_like(good, np.nan)},
            "range": {**action, name: np.full_like(good, 1.5)},
        }[fault]
        with pytest.raises(SpecMismatch):
            env.step(bad)
        for key, value in env.applied().items():
            np.testing.assert_array_equal(value, before[key], err_msg="nothing was sent")
        env.step(action)

    def test_step_before_reset_is_refused(self, env):
        with pytest.raises(DaydreamerError, match="reset"):
            env.step(self.random_action(env))

    def test_logs_are_float_and_not_sensed(self, env):
        logs = {k: s for k, s in env.obs_spec.items() if is_log(k)}
        assert all(s.dtype == "float32" for s in logs.values())
        assert not logs.keys() & sensed(env.obs_spec).keys()

    def test_close_is_idempotent_at_any_time(self):
        self.make_env().close()
        env = self.make_env()
        env.reset()
        env.close()
        env.close()
