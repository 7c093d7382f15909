"""Where a served model is: a server and a name, as `http://host:port/model`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from coconet.errors import Refused


@dataclass(frozen=True)
class ServerAddress:
    """host, port: of the server. model: its name there. token: what the server wants to know; in no message."""

    host: str
    port: int
    model: str
    token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str, token: str | None = None) -> ServerAddress:
        """Read `http://host:port/model`; the port is 8000 unless given. Raises Refused for anything else."""
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port or 8000
        except ValueError:  # a port that is none
            raise _unfit("another text") from None
        model = parts.path.strip("/")
        if parts.scheme == "https":
            raise _unfit("https", "Reach it through SSH or a proxy that takes TLS off on this machine.")
        if parts.scheme == "grpc":
            raise _unfit("gRPC, which is not spoken", "Name the server's port for HTTP.")
        if parts.username is not None or parts.password is not None:
            raise _unfit("one with a password", "Pass --server-token, better as COCONET_SERVER_TOKEN.")
        if parts.scheme != "http" or not host or not model or "/" in model or parts.query or parts.fragment:
            raise _unfit("another text")
        return cls(host, port, model, token)

    @property
    def path(self) -> str:
        """The model's place on the server."""
        return f"/v2/models/{quote(self.model, safe='')}"

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/{self.model}"


def _unfit(got: str, remedy: str = "Correct the address.") -> Refused:
    return Refused("--server", wanted="an address such as http://127.0.0.1:8000/lite", got=got, remedy=remedy)
