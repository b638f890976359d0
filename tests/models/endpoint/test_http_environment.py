"""What HttpModel takes from the environment: proxies, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from w4s.models.base import Choice, Identity, Purpose, Request
from w4s.models.endpoint.http import HttpModel
from w4s.models.sampler import Sampling
from w4s.models.simulated_server import running_server
from w4s.types import Message

KEY = "sk-secret-0123456789"
QUESTION = Request((Message("user", "hello"),), Identity(0, Purpose.VALIDATE))


class Fixed:
    """Always answers the same."""

    name = "fixed"

    def sample(self, messages: Sequence[Message], sampling: Sampling) -> Choice:
        return Choice("yes")


def answer(base_url: str | None) -> str:
    """What a server that wants the key answers; it stands at `base_url`, or is the proxy."""

    async def main() -> str:
        async with running_server(Fixed(), api_key=KEY) as server:
            if base_url is not None:
                monkeypatch.setenv("http_proxy", server.address)
            model = HttpModel("m", base_url or server.url, KEY)
            try:
                return (await model.complete(QUESTION)).choices[0].text
            finally:
                await model.aclose()

    with pytest.MonkeyPatch.context() as monkeypatch:
        return asyncio.run(main())


def test_calls_go_through_the_proxy_that_the_environment_names() -> None:
    assert answer("http://provider.invalid/v1") == "yes"


def test_no_proxy_is_asked_for_hosts_that_the_environment_exempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert answer(None) == "yes"


def test_a_password_in_netrc_does_not_take_the_place_of_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert answer(None) == "yes"
