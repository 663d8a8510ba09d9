"""The charts of the page: what each shows, and what a healthy and an ill run look like in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from daydreamer.monitor import names


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        key: Its name in addresses and documents.
        section: Of the page: learning, dream or time.
        title: Above it.
        series: Label by metric; ``train/loss/recon/*`` stands for all that come, each labelled by its last part.
        unit: Of the axis.
        low: The axis reaches down to this at least; None: to the values.
        high: The axis reaches up to this at least.
        peaks: Draw the greatest value of each interval, not its mean: what matters are the outliers.
        log: A logarithmic axis.
        healthy: What a run that goes well shows.
        ill: What should worry, and what to do then.
    """

    key: str
    section: str
    title: str
    series: tuple[tuple[str, str], ...]
    unit: str
    healthy: str
    ill: str
    low: float | None = None
    high: float | None = None
    peaks: bool = False
    log: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the page."""
        return vars(self)


CHARTS = (
    Chart(
        "reward", "learning", "Reward", (("robot/reward", "received"), ("train/imag_reward", "imagined")), "",
        "Both rise together, in steps: rolling over, standing, walking.",
        "Imagined far above received: the model believes in something that is not there; look at the reward's error. "
        "Flat for twenty minutes: stalled.",
    ),
    Chart(
        "posture", "learning", "Upright and standing",
        (("robot/upright", "upright"), ("robot/standing", "standing")), "share of steps",
        "Upright rises first, standing follows some minutes later; both near 1 in the end.",
        "Upright without standing: it kneels or sits. Both falling after they were high: it tries something new, or "
        "the floor or the robot has changed.",
        low=0.0, high=1.0,
    ),
    Chart(
        "speed", "learning", "Forward speed", (("robot/forward_speed", "estimated"),
        ("robot/truth_forward_speed", "true (stand-in)")), "m/s",
        "Around 0 until it stands, then above 0.2 m/s.",
        "Estimated speed without true speed, or without a moving robot: it slips, or the estimator is fooled.",
        low=0.0, high=0.3,
    ),
    Chart(
        "terms", "learning", "Reward terms",
        (("robot/reward_upright", "upright"), ("robot/reward_hip", "hip"), ("robot/reward_thigh", "thigh"),
         ("robot/reward_calf", "calf"), ("robot/reward_velocity", "velocity")), "",
        "They open one after the other, each when the one before is high.",
        "One that stays at 0 while the one before it is high: that is where it is stuck.",
        low=0.0, high=1.0,
    ),
    Chart(
        "losses", "learning", "World model losses",
        (("train/loss/dyn", "dynamics"), ("train/loss/reward", "reward"), ("train/loss/recon/*", "")), "",
        "Fall fast in the first minutes, then slowly; a little up whenever the robot does something new.",
        "A steady rise of one: that sense has become unpredictable, a loose cable or a slipping joint. "
        "A gap: a loss was no number.",
        log=True,
    ),
    Chart(
        "kl", "learning", "KL and latent entropy",
        (("train/kl", "KL"), ("train/entropy/prior", "prior"), ("train/entropy/post", "posterior")), "nats",
        "KL settles at one to four; the two entropies stay apart by about it.",
        "KL at 0: the latent carries nothing. Entropies near 0: the latent has collapsed to few codes.",
        low=0.0,
    ),
    Chart(
        "policy", "learning", "Policy entropy",
        (("train/policy_entropy", "entropy"), ("train/policy_std", "standard deviation")), "",
        "Falls from near 1 to about its target and stays there.",
        "Near 0: it explores no more. Stays near 1: it learns nothing from its imagination.",
        low=0.0, high=1.0,
    ),
    Chart(
        "returns", "learning", "Returns and values",
        (("train/return_mean", "return"), ("train/value_mean", "value")), "",
        "The value follows the return closely, both rise.",
        "They part, or grow without end while the reward does not: the critic chases itself.",
    ),
    Chart(
        "gradients", "learning", "Gradient norms",
        (("train/grad_norm/*", ""),), "before clipping",
        "Level, with single spikes.",
        "Steady growth over many minutes, or spikes of a thousand: lower the learning rate.",
        peaks=True, log=True,
    ),
    Chart(
        "ratio", "learning", "Replay ratio", (("replay/ratio", "replayed per collected"),), "",
        "Rises to the configured ratio (512 in the presets of the A1; 256 in a1-sim-stand) and stays.",
        "Stays below it: the learner is too slow for this robot.",
        low=0.0,
    ),
    Chart(
        "pace", "learning", "Learner", (("learner/steps_per_second", "steps per second"),), "1/s",
        "Level.", "Falls slowly: memory or heat. Zero: it waits for rows, or has died.",
        low=0.0,
    ),
    Chart(
        "open_loop", "dream", "Open-loop error", (("train/open_loop/*", ""),), "root mean square",
        "Falls, and stays low when the robot does something new.",
        "Rises for minutes: the model does not follow what the robot does now.",
        low=0.0,
    ),
    Chart(
        "imagination", "dream", "Imagined against received reward",
        (("train/imag_reward", "imagined"), ("robot/reward", "received")), "",
        "The two stay within one or two of each other.",
        "Far above, and received does not follow: it exploits a mistake of its model.",
    ),
    Chart(
        "latent", "dream", "Latent usage",
        (("train/entropy/post", "posterior"), ("train/entropy/prior", "prior")), "nats",
        "Well above 0: many codes are in use. The prior is a little less sure than the posterior.",
        "Near 0: few codes are in use. Prior far above posterior: the future is not predicted.",
        low=0.0,
    ),
    Chart(
        "lateness", "time", "Lateness of control steps", (("actor/late_ms", "late"),), "ms",
        "Below 2 ms, and 0 in a stand-in, whose time waits.",
        "Above 10 ms: something else uses the robot's computer.",
        low=0.0, high=5.0, peaks=True,
    ),
    Chart(
        "step", "time", "Parts of a control step",
        (("actor/sense_ms", "sense"), ("actor/estimate_ms", "estimate"), ("actor/observe_ms", "observe"),
         ("actor/policy_ms", "policy"), ("actor/write_ms", "write")), "ms",
        "Together well below the 50 ms of a step.",
        "Above 30 ms: there is no room for a bad moment; use a smaller policy.",
        low=0.0, peaks=True,
    ),
    Chart(
        "update", "time", "Gradient step", (("learner/step_ms", "one update"),), "ms",
        "Level.", "Steps up: another program shares the learner's processor.",
        low=0.0,
    ),
    Chart(
        "transport", "time", "Rows on their way", (("link/unacked", "not acknowledged"),), "rows",
        "A few: each is acknowledged within a second.",
        "Grows without end: the learner does not store. Ends: the link is down.",
        low=0.0, peaks=True,
    ),
    Chart(
        "latency", "time", "Rows become durable after", (("link/ack_ms", "sent to acknowledged"),), "ms",
        "Below 100 ms on one computer or in one network: the way there, the learner's disk, the way back.",
        "Above a second: a slow link, or a disk that is busy. Policies come as late.",
        low=0.0, peaks=True,
    ),
    Chart(
        "ages", "time", "Age of the policy", (("policy/age_s", "policy age"),), "s",
        "Some seconds: a new one comes every few updates.",
        "A minute or more: the learner has stopped, or the link is slow.",
        low=0.0, peaks=True,
    ),
)  # fmt: skip


def wanted(available: Iterable[str]) -> tuple[list[str], set[str]]:
    """Those of the ``available`` metrics that any chart shows, and those of them of which it shows the peaks."""
    shown, peaks = [], set()
    for name in available:
        charts = [chart for chart in CHARTS if any(fnmatchcase(name, pattern) for pattern, _ in chart.series)]
        if charts:
            shown.append(name)
        if any(chart.peaks for chart in charts):
            peaks.add(name)
    return shown, peaks


def explained(chart: Chart) -> str:
    """The metrics of ``chart`` and what they mean, for documents."""
    lines = []
    for pattern, _ in chart.series:
        metric = names.find(pattern.replace("*", "any"))
        assert metric is not None, f"{chart.key}: {pattern} is not in the table of metrics"
        lines.append(f"`{metric.name}`: {metric.doc}")
    return "; ".join(lines)


def glossary() -> str:
    """All charts as Markdown."""
    lines = []
    for section in dict.fromkeys(chart.section for chart in CHARTS):
        lines += [f"### {section.capitalize()}", ""]
        lines += ["| chart | healthy | ill | metrics |", "|---|---|---|---|"]
        lines += [
            f"| {c.title} | {c.healthy} | {c.ill} | {explained(c)} |" for c in CHARTS if c.section == section
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
