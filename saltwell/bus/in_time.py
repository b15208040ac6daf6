"""A call that may never come back, with a limit to how long we wait for it."""

import threading
from collections.abc import Callable


def in_time(act: Callable[[], None], *, limit_s: float) -> bool:
    """Do it in a thread of its own; whether it came back in time. Raises what it raises.

    A call that did not come back goes on holding its thread; the process can end all the same.
    """
    errors: list[Exception] = []

    def call() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - handed on to the caller below
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True, name="in-time")
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        return False
    if errors:
        raise errors[0]
    return True
