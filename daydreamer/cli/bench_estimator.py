"""``daydreamer bench estimator``: the base's velocity estimate against the simulator's truth."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict, dataclass
from typing import Annotated

import tyro

from daydreamer.cli.options import Json

LOST = 0.1  # of readings in the row in which packets are lost


@dataclass(frozen=True)
class EstimatorBench:
    """Standing, walking, slipping, lifted, lying: how far the velocity estimate is off, and whether it knows.

    The root mean square error by world axis; the normalised squares of what surprised the filter and of its true error,
    3 on average and below 7.81 for 95 % where it is honest; the slips and the lifting that it noticed; the time of one
    update. One row with packets lost, and as many with numbers that are none. Scripted motions on the stand-in.
    """

    seconds: Annotated[float, tyro.conf.arg(help="of each motion; being lifted takes 10")] = 10.0
    seeds: Annotated[int, tyro.conf.arg(help="of noise, from 0 on; the table has their mean")] = 1
    json: Json = False

    def run(self) -> int:
        """Measure and print."""
        from calibration.estimator_check import MOTIONS, score

        rows = []
        walking = next(motion for motion in MOTIONS if motion.name == "walking")
        for name, motion, lost in [
            *((one.name, one, 0.0) for one in MOTIONS),
            ("walking, packets lost", walking, LOST),
        ]:
            scores = [asdict(score(motion, self.seconds, seed, lost=lost)) for seed in range(self.seeds)]
            row = {
                key: _mean([one[key] for one in scores])
                for key in scores[0]
                if key not in ("motion", "rmse", "finite")
            }
            rmse = [_mean([one["rmse"][axis] for one in scores]) for axis in range(3)]
            rows.append({"motion": name, "rmse": rmse, "finite": all(one["finite"] for one in scores), **row})
            if not self.json:
                print(
                    "" if len(rows) > 1 else HEAD,
                    _line(rows[-1]),
                    sep="" if len(rows) > 1 else "\n",
                    flush=True,
                )
        if self.json:
            json.dump(rows, sys.stdout)
            print()
        return 0


HEAD = (
    "| motion | RMSE x, y, z, m/s | innovation: mean, inside | error: mean, inside | slips found, imagined "
    "| lift found, imagined | finite | update, us |\n|---|---|---|---|---|---|---|---|"
)


def _line(row: dict) -> str:
    rmse = ", ".join(f"{value:.3f}" for value in row["rmse"])
    return (
        f"| {row['motion']} | {rmse} | {_number(row['innovation'])}, {_share(row['innovation_inside'])} "
        f"| {_number(row['error'])}, {_share(row['error_inside'])} "
        f"| {_share(row['slips_found'])}, {_share(row['slips_imagined'])} "
        f"| {_share(row['lift_found'])}, {_share(row['lift_imagined'])} "
        f"| {'yes' if row['finite'] else 'NO'} | {1e6 * row['update_s']:.0f} |"
    )


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0%}"


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
