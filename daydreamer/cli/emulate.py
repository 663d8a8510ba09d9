"""``daydreamer emulate``: a robot on the network that is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from daydreamer.cli.options import check_port, check_seed, log_to_stderr
from daydreamer.runtime.stop_signals import StopSignals
from robots.a1.emulator_process import EmulatorConfig, emulate


@dataclass(frozen=True)
class Emulate:
    """Be a Unitree A1 on the network, byte for byte, with PyBullet behind it. Ctrl-C ends it.

    A client that has 192.168.123.10 written into it is served in a network namespace: see
    `python -c "help('robots.a1.emulator')"`.
    """

    what: Annotated[Literal["a1"], tyro.conf.Positional, tyro.conf.arg(help="which robot")]
    host: Annotated[str, tyro.conf.arg(help="an address of this computer")] = "127.0.0.1"
    port: Annotated[int, tyro.conf.arg(help="UDP; 0 takes a free one")] = 8007
    start: Annotated[Literal["back", "belly", "stand"], tyro.conf.arg(help="how it lies")] = "belly"
    seed: Annotated[int, tyro.conf.arg(help="of noise and network")] = 0
    latency: Annotated[float, tyro.conf.arg(metavar="S", help="seconds, each way")] = 0.0
    jitter: Annotated[float, tyro.conf.arg(metavar="S", help="seconds at most on top, each way")] = 0.0
    loss: Annotated[float, tyro.conf.arg(metavar="P", help="of packets, 0 to 1, each way")] = 0.0
    command_timeout: Annotated[
        float | None,
        tyro.conf.arg(metavar="S", help="seconds without a command until the motors brake; none: never"),
    ] = None
    reply: Annotated[
        Literal["answer", "stream"], tyro.conf.arg(help="a state for each command, or one every tick")
    ] = "answer"
    log: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help="append what the motors do, a JSON object a line")
    ] = None
    gui: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="open PyBullet's window")] = False

    def run(self) -> int:
        """Emulate until stopped."""
        check_seed(self.seed)
        check_port(port=self.port)
        log_to_stderr()
        config = EmulatorConfig(
            host=self.host,
            port=self.port,
            start=self.start,
            seed=self.seed,
            reply=self.reply,
            latency=self.latency,
            jitter=self.jitter,
            loss=self.loss,
            command_timeout=self.command_timeout,
            gui=self.gui,
            log=str(self.log or ""),
        )
        with StopSignals() as stop:
            emulate(config, lambda: stop() is not None, _announce)
        return 0


def _announce(address: tuple[str, int]) -> None:
    host, port = address
    print(f"an emulated A1 listens on UDP {host}:{port}", flush=True)
