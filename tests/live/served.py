"""A live session and its server, for the tests of this folder."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdrplan.live import Session, Touch

TOKEN = "a-token-of-this-test"


@dataclass
class Served:
    """A session and its server."""

    session: Session
    origin: str
    saves: Path
    touches: list[Touch]

    @property
    def host(self) -> str:
        return self.origin.partition("//")[2]

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        given = {"Host": self.host, "Origin": self.origin, "Cookie": f"hdrplan-{self.host.rpartition(':')[2]}={TOKEN}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.putrequest(method, path, skip_host=True)
        for name, value in {**given, "Content-Length": str(len(body))}.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        said = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return said

    def post(self, path: str, **given: Any) -> dict[str, Any]:
        status, _, said = self.ask("POST", f"/api/{path}", json.dumps(given).encode())
        assert status == 200, said
        result: dict[str, Any] = json.loads(said)
        return result
