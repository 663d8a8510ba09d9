"""Who may look, and who may lay hands on the robot: decided from a request's headers, before anything else.

Looking is open on loopback and asks for the token beyond it; hands always ask for the token. Against other web pages
in the same browser: the token travels in a header that no foreign page can set without a preflight that is never
answered; a hand's origin must be this page's; a page of another site, which could read nothing, is sent nothing and so
takes no viewer's place; and a name that merely resolves to this computer is refused, but for looking with the token.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from daydreamer.transport.console_file import place_of

FILE = "page.json"  # in the run directory: the page's address and token, mode 0600


@dataclass(frozen=True)
class Denied:
    """A request that is not answered; ``why`` is for the person."""

    status: int
    why: str


@dataclass(frozen=True)
class Access:
    """The rules of one server.

    Attributes:
        token: What hands ask for.
        host: The address that the server listens on.
    """

    token: str = field(repr=False)
    host: str = "127.0.0.1"

    @property
    def loopback(self) -> bool:
        """True when only this computer can reach the server."""
        return is_loopback(self.host)

    def read(self, headers: Mapping[str, str]) -> Denied | None:
        """Why this request may not look, or None. Header names are lower case."""
        wrong = self._token(headers)
        if wrong is None:  # no other page has it: a program may call this computer what it likes
            return None
        return self._host(headers) or self._site(headers) or (None if self.loopback else wrong)

    def hand(self, headers: Mapping[str, str]) -> Denied | None:
        """Why this request may not move the robot, or None."""
        return self._host(headers) or self._origin(headers) or self._token(headers)

    def page(self, headers: Mapping[str, str]) -> Denied | None:
        """Why this request may not have the page itself, which holds nothing of the run; or None."""
        return self._host(headers)

    def _host(self, headers: Mapping[str, str]) -> Denied | None:
        name = _parts(f"//{headers.get('host', '')}").hostname or ""
        if name in ("localhost", self.host.lower()) or _is_address(name):
            return None
        return Denied(403, f"this page is not served under the name '{name[:80]}': open it by address")

    def _origin(self, headers: Mapping[str, str]) -> Denied | None:
        """A browser names the page that a request comes from; a program names none."""
        origin = headers.get("origin")
        if origin is None or _parts(origin).netloc == headers.get("host"):
            return None
        return Denied(403, "hands are taken from this page only, not from another one")

    def _site(self, headers: Mapping[str, str]) -> Denied | None:
        """A browser says when it asks for another site's page, which could not read the answer anyway."""
        if headers.get("sec-fetch-site") != "cross-site":
            return None
        return Denied(403, "this is told to this page only, not to another one")

    def _token(self, headers: Mapping[str, str]) -> Denied | None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return None
        return Denied(401, "the token is missing or wrong: open the link that was printed at the start")


def is_loopback(host: str) -> bool:
    """True for an address that only this computer can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parts(url: str) -> SplitResult:
    """The parts of an address, none where it is none."""
    try:
        return urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        return urlsplit("")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def new_token() -> str:
    """128 random bits, fit for an address and a narrow terminal: nobody guesses it."""
    return secrets.token_urlsafe(16)


def kept_token(directory: Path) -> str | None:
    """The token of the page's last start on this run, so that an open tab goes on; None when there is none.

    A file that others could read is not believed, nor one that came with a copy of another run's directory.
    """
    try:
        with (directory / FILE).open() as file:
            found = json.load(file)
            if os.fstat(file.fileno()).st_mode & 0o077 == 0 and found["place"] == place_of(directory):
                return str(found["token"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def keep(directory: Path, token: str, url: str) -> None:
    """Write the page's token and address into ``directory``, for its owner alone."""
    directory.mkdir(parents=True, exist_ok=True)
    beside = directory / f"{FILE}.partial"
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"token": token, "url": url, "place": place_of(directory)}, file)
    os.replace(beside, directory / FILE)
