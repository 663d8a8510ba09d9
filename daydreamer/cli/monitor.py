"""``daydreamer monitor``: the page of a run, for a browser."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from daydreamer.cli.options import check_port, log_to_stderr
from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.die_with_parent import die_with_parent, supervised
from daydreamer.runtime.run_dir import RunDir

if TYPE_CHECKING:
    from daydreamer.web.board import Board
    from daydreamer.web.robot_follower import Console


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Monitor:
    """Show a run in a browser: is it safe, is it learning, what does it believe; and pause or stop the robot.

    Works beside a run, after it, and with no run directory at hand (--connect). Looking is open on this computer; the
    link that is printed holds the token for pause, stop and the others: keep it to yourself. Ctrl-C ends the page and
    nothing else.
    """

    run_directory: Annotated[
        Path | None,
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN", help="a run directory, also one to come"),
    ] = None
    connect: Annotated[
        str | None,
        tyro.conf.arg(metavar="HOST:PORT", help="an actor's console, when there is no run directory here"),
    ] = None
    token: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help="with --connect: a copy of the actor's console.json")
    ] = None
    keys: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help="with --connect beyond this computer: the learner's keys"),
    ] = None
    name: Annotated[str, tyro.conf.arg(help="whose keys they are: actor NAME")] = "actor"
    port: Annotated[
        int, tyro.conf.arg(help="where the page is served; the next free one when it is taken")
    ] = 8080
    host: Annotated[
        str, tyro.conf.arg(help="address to listen on; beyond this computer looking asks for the token too")
    ] = "127.0.0.1"
    fd: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="N", help="a socket that listens already, as `train` hands it down: no port is taken"
        ),
    ] = None
    certificate: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help="PEM, for https")] = None
    certificate_key: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help="its key")] = None

    def run(self) -> int:
        """Serve until stopped."""
        if self.run_directory is None and self.connect is None:
            raise DaydreamerError("name a run directory, or an actor's console with --connect HOST:PORT")
        check_port(port=self.port)
        try:
            from daydreamer.web import access, beside, server
        except ModuleNotFoundError as error:
            raise DaydreamerError(
                f"the page needs {error.name}; from a clone: pip install '.[web]'"
            ) from error
        log_to_stderr()
        die_with_parent()
        try:
            handed = self.fd is not None
            sock = socket.socket(fileno=self.fd) if handed else beside.listen_near(self.host, self.port)
        except OSError as error:
            raise DaydreamerError(
                f"no page on {self.host}, port {self.port}: {error}. Give another --port"
            ) from error
        scheme = "https" if self.certificate else "http"
        links = beside.links(scheme, self.host, sock.getsockname()[1])
        token = access.new_token()
        if self.run_directory is not None:
            token = access.kept_token(self.run_directory) or token
            try:
                access.keep(self.run_directory, token, links[0])
            except OSError as error:
                # An archive, another user's run, a full disk: it can be shown all the same.
                _log.warning("the token is not kept, so an open page ends with this process: %s", error)

        def announce() -> None:
            # Beside a training job, which shows the link itself, this goes into a log that others may be able to read.
            for link in links:
                print(link if supervised() else f"{link}#token={token}", flush=True)
            if scheme == "http" and not access.is_loopback(self.host):
                print(
                    "Anybody on this network can read along and take the token: use --certificate, or better "
                    "`ssh -L 8080:localhost:8080` and no --host."
                )

        server.serve(
            self._board(),
            access.Access(token, self.host),
            sock,
            self.certificate,
            self.certificate_key,
            announce,
        )
        return 0

    def _board(self) -> Board:
        from daydreamer.transport.console_client import ConsoleClient
        from daydreamer.transport.console_file import ConsoleFile
        from daydreamer.transport.console_keys import viewer_keys
        from daydreamer.web.board import Board

        consoles: dict[str, Console] = {}
        if self.connect is not None:
            token = ConsoleFile.read(self.token, copied=True).token if self.token else None
            keys = viewer_keys(self.keys, self.name) if self.keys else None
            consoles[self.name] = ConsoleClient(self.connect, token, keys, viewer="page")
        run_dir = RunDir(self.run_directory) if self.run_directory else None
        return Board(run_dir, consoles, lambda file: ConsoleClient(file, viewer="page"))
