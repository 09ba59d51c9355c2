"""Indexes of the memory store, so that no operation looks through all runs or steps."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import defaultdict
from itertools import count, islice
from typing import TYPE_CHECKING, NamedTuple

from pyflow_core.ports.state import LAST_OWNER_HEAD_START_SECONDS, RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

StepKey = tuple[str, str]
"""A run and a step's name."""

JobKey = tuple[str, str | None]
"""A run and a step's name, or None for the run itself."""

REOFFER_SECONDS = 300.0
"""After so long a marked job is offered again, in case the queue lost it."""


class _Ready(NamedTuple):
    order: int
    since: float


class ReadyIndex:
    """Ready runs, by workflow and last owner, longest ready first."""

    def __init__(self) -> None:
        self._order = count()
        self._place: dict[str, tuple[str, str | None]] = {}
        self._lanes: dict[str, dict[str | None, dict[str, _Ready]]] = defaultdict(dict)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._place

    def add(self, run_id: str, workflow: str, last_owner: str | None, since: float) -> None:
        """Note that a run is ready."""
        self._place[run_id] = (workflow, last_owner)
        self._lanes[workflow].setdefault(last_owner, {})[run_id] = _Ready(next(self._order), since)

    def discard(self, run_id: str) -> None:
        """Forget a run, if it is here."""
        place = self._place.pop(run_id, None)
        if place is None:
            return
        workflow, last_owner = place
        lanes = self._lanes[workflow]
        del lanes[last_owner][run_id]
        if not lanes[last_owner]:
            del lanes[last_owner]

    def longest(self, workflows: Iterable[str], worker_id: str, now: float) -> str | None:
        """The run that this worker may claim and that has been ready longest."""
        heads = [
            head
            for workflow in workflows
            for owner, lane in self._lanes.get(workflow, {}).items()
            if (head := self._head(lane, now, favoured=owner in {None, worker_id}))
        ]
        return min(heads)[1] if heads else None

    @staticmethod
    def _head(lane: dict[str, _Ready], now: float, *, favoured: bool) -> tuple[int, str] | None:
        run_id, entry = next(iter(lane.items()))
        if not favoured and now < entry.since + LAST_OWNER_HEAD_START_SECONDS:
            return None
        return entry.order, run_id


class DueIndex:
    """Pending RPC steps, by queue, longest due first. Heaps keep what was removed until it surfaces."""

    def __init__(self) -> None:
        self._order = count()
        self._live: dict[StepKey, tuple[int, str]] = {}
        self._sizes: dict[str, int] = defaultdict(int)
        self._heaps: dict[str, list[tuple[float, int, StepKey]]] = defaultdict(list)

    def add(self, key: StepKey, queue: str, due: float) -> None:
        """Note that a step is pending and when it is due."""
        order = next(self._order)
        self._live[key] = (order, queue)
        self._sizes[queue] += 1
        heapq.heappush(self._heaps[queue], (due, order, key))
        self._compact(queue)

    def __contains__(self, key: StepKey) -> bool:
        return key in self._live

    def discard(self, key: StepKey) -> None:
        """Forget a step, if it is here."""
        entry = self._live.pop(key, None)
        if entry is not None:
            self._sizes[entry[1]] -= 1

    def first(self, queue: str) -> tuple[float, StepKey] | None:
        """The step of a queue that is due first, and when."""
        heap = self._heaps.get(queue, [])
        while heap and not self._is_live(heap[0]):
            heapq.heappop(heap)
        return (heap[0][0], heap[0][2]) if heap else None

    def _is_live(self, item: tuple[float, int, StepKey]) -> bool:
        return self._live.get(item[2], (None, ""))[0] == item[1]

    def _compact(self, queue: str) -> None:
        # Steps claimed by name never surface, so a heap that nobody looks at would only grow.
        heap = self._heaps[queue]
        if len(heap) > 64 + 2 * self._sizes[queue]:
            self._heaps[queue] = [item for item in heap if self._is_live(item)]
            heapq.heapify(self._heaps[queue])


class Outbox:
    """Ready runs and pending steps that a queue outside the store must hear of, in the order of time."""

    def __init__(self) -> None:
        self._unmarked: dict[JobKey, float] = {}
        self._marked: dict[JobKey, tuple[float, float]] = {}

    def add(self, key: JobKey, since: float) -> None:
        """Note work that has no job yet."""
        self.discard(key)
        self._unmarked[key] = since

    def discard(self, key: JobKey) -> None:
        """Forget work that has been taken."""
        self._unmarked.pop(key, None)
        self._marked.pop(key, None)

    def mark(self, key: JobKey, now: float) -> bool:
        """Note that the job is on its queue; False if the work has been taken since."""
        since = self._unmarked.pop(key, None)
        if since is None and key in self._marked:
            since = self._marked.pop(key)[1]
        if since is None:
            return False
        self._marked[key] = (now, since)
        return True

    def offers(self, now: float, older_than: float, limit: int) -> list[JobKey]:
        """What is to be put on its queue, oldest first."""
        found = [*self._never_marked(now - older_than, limit), *self._lost(now - REOFFER_SECONDS, limit)]
        return [key for _, key in sorted(found, key=lambda pair: pair[0])[:limit]]

    def _never_marked(self, until: float, limit: int) -> Iterator[tuple[float, JobKey]]:
        for key, since in list(islice(self._unmarked.items(), limit)):
            if since > until:
                return
            yield since, key

    def _lost(self, until: float, limit: int) -> Iterator[tuple[float, JobKey]]:
        for key, (marked_at, since) in list(islice(self._marked.items(), limit)):
            if marked_at > until:
                return
            yield since, key


class Catalogue:
    """Runs in the order of their creation, for lists. A run's place in that order is its number here."""

    def __init__(self) -> None:
        self.run_ids: list[str] = []
        self._sorted_ids: list[str] = []
        self._by_workflow: dict[str, list[int]] = defaultdict(list)
        self._by_tag: dict[str, list[int]] = defaultdict(list)
        self._by_status: dict[RunStatus, set[int]] = {status: set() for status in RunStatus}

    def add(self, run_id: str, workflow: str, tags: Sequence[str], status: RunStatus) -> int:
        """Enter a run; its place."""
        place = len(self.run_ids)
        self.run_ids.append(run_id)
        self._sorted_ids.insert(bisect_left(self._sorted_ids, run_id), run_id)
        self._by_workflow[workflow].append(place)
        for tag in set(tags):
            self._by_tag[tag].append(place)
        self._by_status[status].add(place)
        return place

    def remove(self, place: int, workflow: str, tags: Sequence[str], status: RunStatus) -> None:
        """Forget a run; its place stays empty, since the places of others are their numbers."""
        run_id = self.run_ids[place]
        del self._sorted_ids[bisect_left(self._sorted_ids, run_id)]
        for places in (self._by_workflow[workflow], *(self._by_tag[tag] for tag in set(tags))):
            del places[bisect_left(places, place)]
        self._by_status[status].discard(place)

    def restate(self, place: int, old: RunStatus, new: RunStatus) -> None:
        """Note a new status."""
        self._by_status[old].discard(place)
        self._by_status[new].add(place)

    def with_prefix(self, prefix: str, limit: int) -> list[str]:
        """Ids that begin with `prefix`, sorted."""
        start = bisect_left(self._sorted_ids, prefix)
        return [run_id for run_id in self._sorted_ids[start : start + limit] if run_id.startswith(prefix)]

    def newest(
        self, workflow: str | None, tag: str | None, statuses: Sequence[RunStatus], before: int | None
    ) -> Iterator[int]:
        """Places, newest first, from the shortest list that holds all that match; the rest is the caller's to check."""
        end = len(self.run_ids) if before is None else before
        candidates: list[Sequence[int]] = [range(len(self.run_ids))]
        if workflow is not None:
            candidates.append(self._by_workflow.get(workflow, []))
        if tag is not None:
            candidates.append(self._by_tag.get(tag, []))
        shortest = min(candidates, key=len)
        if statuses and sum(len(self._by_status[status]) for status in set(statuses)) < len(shortest):
            shortest = sorted(place for status in set(statuses) for place in self._by_status[status])
        for position in range(bisect_left(shortest, end) - 1, -1, -1):
            yield shortest[position]
