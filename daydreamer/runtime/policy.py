"""A published policy at work: an ONNX model on one thread, with its carry and its noise."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.agent import Arrays, Carry
from daydreamer.core.errors import Corrupt, SpecMismatch
from daydreamer.core.specs import ArraySpec, Specs, difference
from daydreamer.runtime.onnx_header import check_model

if TYPE_CHECKING:
    import onnxruntime

METADATA_KEY = "daydreamer"
SCHEMA = 1
MOST_BYTES = 64 << 20  # of all that one step takes in, the carry included
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


class OnnxPolicy:
    """Runs one version of a policy; holds no state between steps but its noise generator.

    The model's inputs are ``obs/KEY`` (unbatched, as in the specs), ``carry/KEY`` and ``noise/KEY``; its outputs
    ``action/KEY`` and ``next/KEY``, with the same keys as the carry. The entry "daydreamer" of its metadata is
    JSON: ``schema``, ``obs`` and ``act`` specs, ``noise`` (key to "uniform" in [0, 1) or "normal"), ``explore``
    (the noise keys that are zeroed for a deterministic action), ``version``.

    Args:
        data: The model as ONNX bytes, weights inside.
        seed: Of the noise.

    Raises:
        Corrupt: ``data`` is no ONNX model, of an opset that is not run here, or no policy of ours.
        SpecMismatch: It cannot take a step. One is taken here, on zeros: a control loop is no place to find out.
    """

    def __init__(self, data: bytes, seed: int | np.random.SeedSequence | None = None):
        import onnxruntime as ort  # here: it is heavy, and much that knows of policies never runs one

        check_model(data)
        options = ort.SessionOptions()
        # One thread, no spinning: the robot's computer has better uses for its cores than waiting busily.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no public base class but Exception
            raise Corrupt(f"expected an ONNX model, got {len(data)} bytes that are none: {error}") from error
        meta = _metadata(self._session)
        self.version = int(meta["version"])
        self.obs_spec: Specs = {key: ArraySpec.from_dict(spec) for key, spec in meta["obs"].items()}
        self.act_spec: Specs = {key: ArraySpec.from_dict(spec) for key, spec in meta["act"].items()}
        self._explore = frozenset(meta["explore"])
        inputs = {node.name: (_shape(node), _dtype(node)) for node in self._session.get_inputs()}
        self._carry = _named(inputs, "carry/")
        self._noise = {
            key: (shape, dtype, meta["noise"].get(key))
            for key, (shape, dtype) in _named(inputs, "noise/").items()
        }
        self._outputs = [node.name for node in self._session.get_outputs()]
        self._check_names(set(inputs))
        self._check_inputs(inputs)
        self._try()
        self._rng = np.random.default_rng(seed)

    def fits(self, obs_spec: Specs, act_spec: Specs) -> None:
        """Raise SpecMismatch, with both sides, unless an environment with these specs can be driven by it."""
        theirs = {key: obs_spec[key] for key in self.obs_spec.keys() & obs_spec.keys()}
        lines = _shapes_differ(self.obs_spec, theirs) + difference(self.act_spec, act_spec)
        if lines:
            raise SpecMismatch(
                f"policy version {self.version} does not fit this environment (ours: the policy):\n  "
                + "\n  ".join(lines)
            )

    def initial(self) -> Carry:
        """Zeros: the model itself replaces them where ``is_first``."""
        return {key: np.zeros(shape, dtype) for key, (shape, dtype) in self._carry.items()}

    def fits_carry(self, carry: Carry) -> bool:
        """True when ``carry``, of another version, can go on with this one."""
        return {key: _form(value) for key, value in carry.items()} == self._carry

    def noise(self, explore: bool) -> dict[str, NDArray[Any]]:
        """Fresh noise for one step; without ``explore`` the exploration's part is zero."""
        drawn = {}
        for key, (shape, dtype, kind) in self._noise.items():
            if key in self._explore and not explore:
                drawn[key] = np.zeros(shape, dtype)
            elif kind == "uniform":
                drawn[key] = self._rng.random(shape, np.float32).astype(dtype, copy=False)
            else:
                drawn[key] = self._rng.standard_normal(shape, np.float32).astype(dtype, copy=False)
        return drawn

    def __call__(self, carry: Carry, obs: Arrays, noise: Arrays) -> tuple[Carry, dict[str, NDArray[Any]]]:
        """One step.

        Args:
            carry: From ``initial`` or the step before.
            obs: At least the keys of ``obs_spec``; others are left aside.
            noise: From ``noise``.

        Returns:
            The next carry, and the action by key.

        Raises:
            SpecMismatch: An observation is missing or has another shape or type.
        """
        missing = self.obs_spec.keys() - obs.keys()
        if missing:
            raise SpecMismatch(f"policy version {self.version} needs {sorted(missing)}, got {sorted(obs)}")
        return self._step(carry, obs, noise)

    def _step(self, carry: Carry, obs: Arrays, noise: Arrays) -> tuple[Carry, dict[str, NDArray[Any]]]:
        feed = {f"obs/{key}": np.asarray(obs[key]) for key in self.obs_spec}
        feed |= {f"carry/{key}": value for key, value in carry.items()}
        feed |= {f"noise/{key}": value for key, value in noise.items()}
        try:
            values = self._session.run(self._outputs, feed)
        except Exception as error:  # as above
            raise SpecMismatch(f"policy version {self.version} cannot take this step: {error}") from error
        found = dict(zip(self._outputs, values, strict=True))
        following = {key: found[f"next/{key}"] for key in self._carry}
        return following, {key: found[f"action/{key}"] for key in self.act_spec}

    def _check_names(self, inputs: set[str]) -> None:
        wanted = {f"obs/{key}" for key in self.obs_spec} | {f"carry/{key}" for key in self._carry}
        wanted |= {f"noise/{key}" for key in self._noise}
        if inputs != wanted:
            raise Corrupt(f"the policy's inputs are {sorted(inputs)}; expected {sorted(wanted)}")
        outputs = {f"action/{key}" for key in self.act_spec} | {f"next/{key}" for key in self._carry}
        if set(self._outputs) != outputs:
            raise Corrupt(f"the policy's outputs are {sorted(self._outputs)}; expected {sorted(outputs)}")
        for key, (_, _, kind) in self._noise.items():
            if kind not in ("uniform", "normal"):
                raise Corrupt(f"noise '{key}' is of kind {kind!r}; expected 'uniform' or 'normal'")

    def _check_inputs(self, inputs: Mapping[str, tuple[tuple[int, ...], str]]) -> None:
        size = sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in inputs.values())
        if size > MOST_BYTES:
            raise Corrupt(f"the policy takes in {size} bytes a step; expected at most {MOST_BYTES}")
        for key, spec in self.obs_spec.items():
            if (found := inputs[f"obs/{key}"]) != (spec.shape, spec.dtype):
                raise Corrupt(
                    f"the policy's input 'obs/{key}' is {found}; it says {(spec.shape, spec.dtype)}"
                )

    def _try(self) -> None:
        """One step on zeros shows what the model really makes."""
        obs = {key: spec.zeros() for key, spec in self.obs_spec.items()}
        noise = {key: np.zeros(shape, dtype) for key, (shape, dtype, _) in self._noise.items()}
        following, action = self._step(self.initial(), obs, noise)
        for key, spec in self.act_spec.items():
            if (found := _form(action[key])) != (spec.shape, spec.dtype):
                raise Corrupt(f"the policy's action '{key}' is {found}; it says {(spec.shape, spec.dtype)}")
        if not self.fits_carry(following):
            made = {key: _form(value) for key, value in following.items()}
            raise Corrupt(f"the policy cannot go on: it makes the carry {made}, and takes {self._carry}")


def _metadata(session: onnxruntime.InferenceSession) -> dict[str, Any]:
    entry = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if entry is None:
        raise Corrupt(f"the ONNX model has no metadata '{METADATA_KEY}': it is no policy of ours")
    try:
        meta: dict[str, Any] = json.loads(entry)
        if meta["schema"] != SCHEMA:
            raise Corrupt(f"the policy has schema {meta['schema']}, this software runs schema {SCHEMA}")
        for key, kind in (("obs", dict), ("act", dict), ("noise", dict), ("explore", list), ("version", int)):
            if not isinstance(meta[key], kind):
                raise TypeError(f"'{key}' is {meta[key]!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"the policy's metadata is damaged: {error}") from error
    return meta


def _named(inputs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in inputs.items() if name.startswith(prefix)}


def _shape(node: Any) -> tuple[int, ...]:
    if not all(isinstance(size, int) and size >= 0 for size in node.shape):
        raise Corrupt(f"the policy's input '{node.name}' has the shape {node.shape}; expected numbers")
    return tuple(node.shape)


def _form(value: Any) -> tuple[tuple[int, ...], str] | None:
    """Shape and dtype of an array; None for anything else, as a sequence."""
    return (value.shape, value.dtype.name) if isinstance(value, np.ndarray) else None


def _dtype(node: Any) -> str:
    if node.type not in _DTYPES:
        raise Corrupt(f"the policy's input '{node.name}' is a {node.type}; expected one of {sorted(_DTYPES)}")
    return _DTYPES[node.type]


def _shapes_differ(ours: Specs, theirs: Specs) -> list[str]:
    """Bounds are the environment's business; a policy must only be able to take what it is given."""
    plain = [{k: ArraySpec(s.shape, s.dtype) for k, s in specs.items()} for specs in (ours, theirs)]
    return difference(*plain)
