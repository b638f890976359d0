"""From the records of a run to its trackers: each point once, whatever was killed in between.

In: points, in order, as often as anybody likes. Out: each is passed on to every tracker that has
not had it. A file in the run folder says how far each tracker is, so that a run that goes on, or
takes its steps again from a checkpoint, or gets another tracker later, is shown whole and once.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from w4s.errors import ConfigError
from w4s.tracking.points import Point
from w4s.tracking.trackers import Tracked, Tracker, open_tracker
from w4s.types import JSON

FILE = "tracking.json"


class Feed:
    """The trackers of one run; without any it does nothing."""

    def __init__(
        self,
        kinds: Sequence[str],
        folder: Path,
        settings: Mapping[str, JSON],
        say: Callable[[str], None],
    ) -> None:
        """ConfigError when a tracker cannot be opened: nothing has been spent yet."""
        self._path = folder / FILE
        self._say = say
        self._trackers: dict[str, Tracker] = {}
        if not kinds:
            return
        state: dict[str, Any] = {}
        if self._path.exists():
            state = json.loads(self._path.read_text(encoding="utf-8"))
        self._id: str = state.get("id") or uuid.uuid4().hex[:12]
        self._had: dict[str, dict[str, int]] = state.get("had", {})
        """Tracker to stream to the last step it has."""
        run = Tracked(folder, self._id, settings)
        for kind in dict.fromkeys(kinds):
            try:
                self._trackers[kind] = open_tracker(kind, run)
            except ConfigError:
                self.close()
                raise
            except Exception as error:  # of a library that is none of ours
                self.close()
                raise ConfigError(
                    f"--track {kind} does not work here: {_one_line(error)}"
                ) from None
        self._keep()

    def send(self, points: Iterable[Point]) -> None:
        """Pass on what is new. A tracker that fails gets nothing more in this sitting; what it
        missed it gets when the run goes on."""
        if not self._trackers:
            return
        sent = False
        for point in points:
            for kind in list(self._trackers):
                had = self._had.setdefault(kind, {})
                if point.step <= had.get(point.stream, -1):
                    continue
                try:
                    self._trackers[kind].log(point)
                except Exception as error:  # paid work must not end because nobody can watch it
                    self._lose(kind, error)
                    continue
                had[point.stream] = point.step
                sent = True
        if sent:
            self._keep()

    def close(self) -> None:
        for kind in list(self._trackers):
            try:
                self._trackers.pop(kind).close()
            except Exception as error:
                self._say(f"{kind} did not close: {_one_line(error)}")

    def _lose(self, kind: str, error: Exception) -> None:
        del self._trackers[kind]
        self._say(f"{kind} failed, and gets nothing more for now: {_one_line(error)}")

    def _keep(self) -> None:
        """Not flushed to the disk as the run's own records are: after a power cut a tracker may
        see a point twice."""
        partial = self._path.with_suffix(".partial")
        state = json.dumps({"id": self._id, "had": self._had})
        partial.write_text(f"{state}\n", encoding="utf-8")
        partial.replace(self._path)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
