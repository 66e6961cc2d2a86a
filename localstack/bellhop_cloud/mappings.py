"""Event source mappings, for tests that consume a function's queues themselves."""

import time

from . import settings

LAST_POLL_SECONDS = 1.5  # a poll waits one second (plugins/esm.py), and nothing tells of the end of the last


def stop_consuming(functions: list[str], seconds: float = 60):
    """Makes functions leave their queues alone. A last poll may still be under way once a mapping is disabled: this waits for its
    end. What it takes is refused by a function that may not run, and comes back."""
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
    time.sleep(LAST_POLL_SECONDS)
