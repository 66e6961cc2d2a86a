"""The strict sliding window: at most so many calls of one kind and property in any so many seconds, by arrival."""

import math
from collections import deque


class Windows:
    def __init__(self):
        self._arrivals = {}  # (kind, property) -> arrivals that hold a place, oldest first

    def take(self, kind: str, properties, limit: int, seconds: float, now: float, count_refused=False) -> int | None:
        """Takes a place for each of the properties, or for none. None when taken, else whole seconds until there is one.
        A place is free again exactly `seconds` after it was taken. Unless `count_refused`, a refused call takes none."""
        queues = [self._arrivals.setdefault((kind, prop), deque()) for prop in sorted(properties)]
        full, wait = False, 0.0
        for queue in queues:
            while queue and now - queue[0] >= seconds:
                queue.popleft()
            if len(queue) >= limit:
                full = True
                wait = max(wait, queue[len(queue) - limit] + seconds - now if limit else seconds)
        if not full or count_refused:
            for queue in queues:
                queue.append(now)
        return max(1, math.ceil(wait)) if full else None


def most_in_any(arrivals: list[float], seconds: float) -> int:
    """The most arrivals within any window of that length. `arrivals` is in order."""
    most = start = 0
    for end, now in enumerate(arrivals):
        while now - arrivals[start] >= seconds:
            start += 1
        most = max(most, end - start + 1)
    return most
