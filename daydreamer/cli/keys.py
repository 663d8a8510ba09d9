"""``daydreamer keys``: make the keys of a link that leaves this computer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Keys:
    """Make keys for a learner and for the actors it shall listen to: `daydreamer keys new DIR`.

    Nothing is ever overwritten. Keep learner.key here. Move an actor's .key, with a copy of learner.pub, to its
    robot. To shut an actor out, delete its file in allowed/.
    """

    what: Annotated[Literal["new"], tyro.conf.Positional]
    directory: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR", help="where to write them")]
    actors: Annotated[tuple[str, ...], tyro.conf.arg(help="names of the actors")] = ("actor",)

    def run(self) -> int:
        """Write the files and say where they go."""
        from daydreamer.transport.auth import new_keys

        for path in new_keys(self.directory, self.actors):
            print(path)
        print(f"\nlearner:  daydreamer learner --keys {self.directory} --bind 0.0.0.0:5555 ...")
        for actor in self.actors:
            print(f"{actor}:  copy {actor}.key and learner.pub into a directory K on the robot,")
            print(f"          chmod 600 K/{actor}.key, and there")
            print(f"          daydreamer actor --name {actor} --keys K --connect LEARNER:5555 ...")
        return 0
