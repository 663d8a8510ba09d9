"""The table of metrics: every name that may be written, its unit and its meaning.

A name in angle brackets stands for a family: ``train/loss/recon/<key>`` allows ``train/loss/recon/gyro``.
Values called ``robot/...`` are means over the last 1,000 control steps unless their text says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache


@dataclass(frozen=True)
class Metric:
    """One row of the table. ``spec`` is the format of its number; see ``formats.quantity`` for units."""

    name: str
    unit: str
    doc: str
    spec: str = ".3g"

    @property
    def is_family(self) -> bool:
        """True when the name has a part in angle brackets."""
        return "<" in self.name


# fmt: off
_TABLE = (
    Metric("robot/minutes", "min", "robot time collected so far, over all actors and restarts", ".1f"),
    Metric("robot/window", "steps", "control steps that the robot/ means cover, at most 1,000", ",.0f"),
    Metric("robot/up", "1", "up . z of the body: 1 upright, 0 on its side, -1 on its back", ".2f"),
    Metric("robot/upright", "fraction", "share of steps with up . z > 0.9"),
    Metric("robot/standing", "fraction", "share of steps upright, trunk above 0.16 m, DayDreamer's gates all open"),
    Metric("robot/forward_speed", "m/s", "forward speed in the heading frame, estimated onboard", ".2f"),
    Metric("robot/reward", "1", "reward as the task gives it, before any scaling for learning", ".2f"),
    Metric("robot/height", "m", "trunk above the lowest foot, by the angles of the legs", ".2f"),
    Metric("robot/original_reward", "1", "reward as DayDreamer has it, whatever the task's own is", ".2f"),
    Metric("robot/reward_upright", "1", "reward term r_upr", ".2f"),
    Metric("robot/reward_hip", "1", "reward term r_hip", ".2f"),
    Metric("robot/reward_thigh", "1", "reward term r_thigh", ".2f"),
    Metric("robot/reward_calf", "1", "reward term r_calf", ".2f"),
    Metric("robot/reward_velocity", "1", "reward term r_vel, 0 to 1; the reward has 10 (r_vel + 1) / 2 of it", ".2f"),
    Metric("robot/truth_up", "1", "true up . z; stand-in only, never used for learning", ".2f"),
    Metric("robot/truth_forward_speed", "m/s", "true forward speed; stand-in only, as above", ".2f"),

    Metric("actor/steps", "steps", "control steps since this actor process started", ",.0f"),
    Metric("actor/steps_per_second", "1/s", "control steps per wall second", ".1f"),
    Metric("actor/late_ms", "ms", "how late control steps began, mean since the last report", ".2f"),
    Metric("actor/policy_ms", "ms", "time of one policy call", ".2f"),
    Metric("actor/sense_ms", "ms", "time to read the robot", ".2f"),
    Metric("actor/estimate_ms", "ms", "time to estimate its velocity", ".2f"),
    Metric("actor/observe_ms", "ms", "time to make observation and reward", ".2f"),
    Metric("actor/write_ms", "ms", "time to give the robot its command", ".2f"),
    Metric("actor/credit_wait_s", "s", "time spent waiting for the learner to allow more rows", ".1f"),
    Metric("actor/babbling", "fraction", "share of steps with a held random action in place of the policy's", ".2f"),
    Metric("actor/holding", "0 or 1", "1 while the actor holds the robot still because its spool is full"),
    Metric("actor/paused", "0 or 1", "1 while a person keeps the robot from learning, or its safety does"),
    Metric("actor/<actor>/connected", "0 or 1", "1 while this actor is connected; with several actors only, as below"),
    Metric("actor/<actor>/rows", "rows", "rows received from this actor since the learner started", ",.0f"),
    Metric("actor/<actor>/silence_s", "s", "time since this actor was last heard", ".1f"),
    Metric("actor/<actor>/steps_per_second", "1/s", "this actor's control steps per wall second", ".1f"),
    Metric("actor/<actor>/late_ms", "ms", "how late this actor's control steps began, mean", ".2f"),
    Metric("actor/<actor>/unacked", "rows", "this actor's rows that are not acknowledged", ",.0f"),
    Metric("actor/<actor>/policy_version", "version", "version that this actor's robot runs", ".0f"),

    Metric("policy/version", "version", "version that the robot runs, -1 before the first", ".0f"),
    Metric("policy/age_s", "s", "time since the robot took this version", ".1f"),
    Metric("policy/published", "version", "newest version published, -1 before the first", ".0f"),

    Metric("replay/rows", "rows", "rows that can be sampled", ",.0f"),
    Metric("replay/bytes", "bytes", "size on disk"),
    Metric("replay/ratio", "1", "steps replayed per collected one, as if today's ratio had held from the start", ".1f"),
    Metric("replay/segments", "files", "segment files", ",.0f"),
    Metric("replay/streams", "streams", "actor lives seen", ",.0f"),
    Metric("replay/duplicates", "rows", "rows that came again after a reconnect and were dropped", ",.0f"),
    Metric("replay/sampled_steps", "steps", "steps sampled for training so far", ",.0f"),
    Metric("replay/syncs", "times", "waits for the disk to make rows durable, since the learner started", ",.0f"),
    Metric("replay/refused_by_disk", "0 or 1", "1 while the disk takes no rows, or hangs; none are acknowledged then"),

    Metric("link/connected", "0 or 1", "1 while the actor is connected to the learner"),
    Metric("link/unacked", "rows", "rows sent or spooled that the learner has not acknowledged", ",.0f"),
    Metric("link/spool_bytes", "bytes", "size of the actor's spool on disk"),
    Metric("link/sent", "rows", "rows sent since the actor started", ",.0f"),
    Metric("link/acked", "rows", "rows acknowledged as durable since the actor started", ",.0f"),
    Metric("link/ack_ms", "ms", "from sending rows to the word that they are durable, the newest", ".1f"),
    Metric("link/clock_offset_ms", "ms", "the learner's clock is ahead of the actor's", ".2f"),
    Metric("link/clock_within_ms", "ms", "how far that may be off: half of the quickest way there and back", ".2f"),
    Metric("link/dropped", "rows", "rows given up because the spool was full, since the actor started", ",.0f"),

    Metric("learner/actors", "actors", "actors connected", ",.0f"),
    Metric("learner/steps", "steps", "gradient steps in the life of the run", ",.0f"),
    Metric("learner/steps_per_second", "1/s", "gradient steps per wall second", ".2f"),
    Metric("learner/step_ms", "ms", "time of one gradient step", ".0f"),
    Metric("learner/waiting", "fraction", "share of wall time that the learner waited for rows"),
    Metric("learner/checkpoint_age_s", "s", "time since this learner process saved a checkpoint, or began", ".0f"),
    Metric("learner/wall_minutes", "min", "wall time of this learner process", ".1f"),

    Metric("train/loss/model", "1", "sum of the world model's losses"),
    Metric("train/loss/dyn", "nats", "KL that moves the prior to the posterior"),
    Metric("train/loss/rep", "nats", "KL that moves the posterior to the prior"),
    Metric("train/loss/reward", "nats", "reward prediction"),
    Metric("train/loss/con", "nats", "continuation prediction"),
    Metric("train/loss/recon/<key>", "1", "reconstruction of one sensed key"),
    Metric("train/loss/actor", "1", "policy loss, entropy bonus included"),
    Metric("train/loss/critic", "1", "value loss"),
    Metric("train/loss/temperature", "1", "loss that adapts the temperature of a model-free agent"),
    Metric("train/kl", "nats", "KL of posterior and prior, before free nats and weights"),
    Metric("train/kl_weight", "1", "weight of the KL loss, where it adapts"),
    Metric("train/entropy_weight", "1", "weight of the entropy bonus, mean over actions"),
    Metric("train/entropy_target", "1", "where that weight holds the policy's entropy; it may fall as rewards rise"),
    Metric("train/entropy/prior", "nats", "entropy of the latent prior"),
    Metric("train/entropy/post", "nats", "entropy of the latent posterior"),
    Metric("train/policy_entropy", "1", "entropy of the policy: 0 at its least std, 1 at its most"),
    Metric("train/policy_std", "1", "standard deviation of the policy, mean over actions, before a tanh"),
    Metric("train/policy_saturation", "1", "share of the policy's means beyond tanh(2), where they hardly learn"),
    Metric("train/imag_reward", "1", "reward in imagination, in the task's scale"),
    Metric("train/return_mean", "1", "lambda-return in imagination, in the scale of learning, mean"),
    Metric("train/return_std", "1", "lambda-return in imagination, standard deviation"),
    Metric("train/value_mean", "1", "critic's value, mean: in imagination, or of replayed transitions"),
    Metric("train/adv_std", "1", "advantage after scaling, standard deviation"),
    Metric("train/value_spread", "1", "disagreement of a model-free agent's critics: their standard deviation, mean"),
    Metric("train/bellman_error", "1", "root mean square distance of a model-free agent's critics from their targets"),
    Metric("train/temperature", "1", "price of a nat of entropy in a model-free agent's rewards"),
    Metric("train/action_entropy", "nats", "entropy of a model-free policy, all actions; 0.69 each is uniform"),
    Metric("train/pairs", "fraction", "share of the sampled pairs of rows that are transitions"),
    Metric("train/open_loop/<key>", "1", "root mean square error of the open-loop prediction of one key"),
    Metric("train/grad_norm/<part>", "1", "norm of the gradient of model, actor or critic, before clipping"),

    Metric("eval/upright", "fraction", "evaluation: share of time upright, mean over rollouts"),
    Metric("eval/standing", "fraction", "evaluation: share of the last 10 s standing, mean over rollouts"),
    Metric("eval/walking_speed", "m/s", "evaluation: speed in the last 20 s, mean over rollouts", ".2f"),

    Metric(
        "safety/faults", "faults", "since the actor started: answers of a policy that were no numbers, and attempts "
        "to begin again on a robot that was silent or, without a console, stopped", ",.0f",
    ),
)
# fmt: on

METRICS = {metric.name: metric for metric in _TABLE}
_FAMILIES = tuple(
    (re.compile(re.sub(r"<\w+>", r"[A-Za-z0-9_.-]+", metric.name)), metric)
    for metric in _TABLE
    if metric.is_family
)


@lru_cache(maxsize=4096)
def find(name: str) -> Metric | None:
    """The row that ``name`` belongs to, or None."""
    if name in METRICS:
        return None if METRICS[name].is_family else METRICS[name]
    return next((metric for pattern, metric in _FAMILIES if pattern.fullmatch(name)), None)


def unknown(names: Iterable[str]) -> list[str]:
    """One line for each name that is not in the table, with the nearest that is; empty when all are known."""
    lines = []
    for name in sorted(n for n in names if find(n) is None):
        near = get_close_matches(name, METRICS, n=1, cutoff=0.6)
        lines.append(f"'{name}' (did you mean '{near[0]}'?)" if near else f"'{name}'")
    return lines


def check(names: Iterable[str]) -> None:
    """Raise ValueError, naming the nearest known names, unless every name is in the table."""
    if lines := unknown(names):
        raise ValueError(
            f"not in the table of metrics: {', '.join(lines)}. Add new metrics to monitor/names.py."
        )


def glossary() -> str:
    """The table as Markdown, one section per prefix."""
    lines = []
    prefix = ""
    for metric in _TABLE:
        if (new := metric.name.split("/")[0]) != prefix:
            prefix = new
            lines += ["", f"### {prefix}/", "", "| name | unit | meaning |", "|---|---|---|"]
        lines.append(f"| `{metric.name}` | {metric.unit} | {metric.doc} |")
    return "\n".join(lines[1:]) + "\n"
