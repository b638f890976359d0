"""Every exception of the house.

    W4sError
    ├── ConfigError            the user asked for something impossible; says what to type (exit 2)
    ├── StoreError             the disk is full or a run folder cannot be used (exit 1, resumable)
    ├── SandboxError           our own side of the sandbox failed; never scored as the program's
    ├── ProviderError          a model call failed
    │   ├── Overloaded         429: wait, then again (`retry_after`)
    │   ├── ServerFault        5xx, dropped connection, cut or malformed body: again
    │   ├── Unsupported        the server lacks a feature: again without it, at once
    │   ├── Rejected           this request can never succeed (400, context too long, filter)
    │   └── AccessDenied       401, 403, unknown model: no request can succeed
    ├── ProviderDown           nothing has succeeded for so long that the run stops in good order
    ├── BudgetExceeded         a limit of the user's was reached: the run ends with what it has
    ├── Interrupted            Ctrl-C: the run stops in good order (exit 130, resumable)
    └── TooManyUnscored        an evaluation lost too many problems to faults to be believed

A generated program that fails is no exception but an `Outcome` with a `Status`.
"""

from __future__ import annotations


class W4sError(Exception):
    """Base of all errors raised on purpose."""


class ConfigError(W4sError):
    """The user asked for something impossible. The message says what to type instead."""


class StoreError(W4sError):
    """Writing or reading the run folder failed. What was written before stays usable."""


class SandboxError(W4sError):
    """The sandbox itself failed (start-up, lock-down, a dead zygote); not the program in it."""


class ProviderError(W4sError):
    """A call to a model failed; the subclasses say what that means for a retry."""


class Overloaded(ProviderError):
    """The provider asks for patience (429)."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the provider asked for, if it did."""


class ServerFault(ProviderError):
    """5xx, a dropped connection, a cut or malformed body."""

    def __init__(
        self, message: str, retry_after: float | None = None, *, unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.unknown = unknown
        """True when the provider may have done the work all the same (and bill it)."""


class Unsupported(ProviderError):
    """The server refused a feature; the model has noted it and will go without it."""


class Rejected(ProviderError):
    """This very request can never succeed."""


class AccessDenied(ProviderError):
    """No request can succeed: bad key, no permission, unknown model."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status that said so."""


class ProviderDown(W4sError):
    """No call has succeeded for a long time: the run stops in good order."""


class BudgetExceeded(W4sError):
    """A spending limit was reached."""


class Interrupted(W4sError):
    """The user asked the run to stop: calls under way end, no others are sent."""


class TooManyUnscored(W4sError):
    """Too many problems of one evaluation were lost to faults that are not the workflow's."""

    def __init__(self, message: str, *, rejected: bool = False) -> None:
        super().__init__(message)
        self.rejected = rejected
        """True when every loss was a request that the provider rejected for its content."""
