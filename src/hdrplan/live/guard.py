"""Who is answered by the server of a session."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["Answer", "Guard"]

Answer = Callable[[Request], Awaitable[Response]]

_HEADERS = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """Who is answered: the page of this server, opened with its token, and nobody else.

    Parameters
    ----------
    origin : str
        ``http://127.0.0.1:PORT``.
    token : str
    framed : bool
        Whether pages of this machine, such as a notebook, may show it in a frame.
    """

    origin: str
    token: str
    framed: bool

    @property
    def headers(self) -> dict[str, str]:
        """Of every answer."""
        if not self.framed:
            return {**_HEADERS, "x-frame-options": "DENY"}
        return {**_HEADERS, "content-security-policy": "frame-ancestors http://127.0.0.1:* http://localhost:*"}

    @property
    def cookie(self) -> str:
        """Name of the cookie: cookies are shared by all ports of a host."""
        return f"hdrplan-{self.origin.rpartition(':')[2]}"

    def refusal(self, request: Request) -> str | None:
        """Return why a request is refused, None where it is not."""
        if request.headers.get("host") != self.origin.partition("//")[2]:
            return "another host"
        if request.method == "POST" and request.headers.get("origin") != self.origin:
            return "another page"
        # In a frame of another page cookies are not sent: the page itself holds the token there.
        given = (
            request.headers.get("x-hdrplan-token", "")
            or request.cookies.get(self.cookie, "")
            or request.query_params.get("token", "")
        )
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return "no token: open the address that `hdrplan live` printed"
        return None

    def __call__(self, answer: Answer) -> Answer:
        """Return the same answer for those who may ask."""

        async def call(request: Request) -> Response:
            why = self.refusal(request)
            if why is None:
                response = await answer(request)
            else:
                response = JSONResponse({"error": f"refused: {why}"}, status_code=403)
            response.headers.update(self.headers)
            return response

        return call
