"""Event source mappings, for tests that consume a function's queues themselves."""

import time

from . import settings


def stop_consuming(functions: list[str], seconds: float = 60):
    """Makes functions leave their queues alone. A last poll may still be under way once a mapping is disabled: what it takes is
    refused by a function that may not run, and comes back."""
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
