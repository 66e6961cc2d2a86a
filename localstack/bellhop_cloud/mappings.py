"""Event source mappings, for tests that consume a function's queues themselves."""

import math
import time

from . import settings

IDLE_AFTER_SECONDS = settings.IDLE_AFTER_POLLS * settings.POLL_SECONDS
MARGIN_SECONDS = 0.5


def stop_consuming(functions: list[str], since: float = -math.inf, seconds: float = 60):
    """Makes functions leave their queues alone. A last poll may still be under way once a mapping is disabled, and nothing tells
    of its end: this waits as long as it may take, which is less where the mappings were made after `since` (time.monotonic), not
    long ago. What it takes is refused by a function that may not run, and comes back."""
    client, mappings = settings.client("lambda"), []
    for function in functions:
        client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
        for mapping in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
            mappings.append(mapping["UUID"])
    deadline = time.monotonic() + seconds
    while any(client.get_event_source_mapping(UUID=uuid)["State"] != "Disabled" for uuid in mappings):
        if time.monotonic() > deadline:
            raise settings.Problem(f"{functions} do not leave their queues alone within {seconds:.0f} s")
        time.sleep(0.05)
    may_be_idle = time.monotonic() - since >= IDLE_AFTER_SECONDS
    time.sleep((settings.IDLE_POLL_SECONDS if may_be_idle else settings.POLL_SECONDS) + MARGIN_SECONDS)
