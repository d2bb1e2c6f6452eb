"""Who holds a lease: the run, and the process it lives in.

The name of a holder says host, process and start time, so that another process on the same host sees at once that a
killed holder is gone instead of waiting for its lease to expire. Fencing tokens keep this safe even if it were wrong.
"""

import re
import socket

import psutil

_HOLDER = re.compile(r".*@(?P<host>[^/@]+)/(?P<pid>\d+)/(?P<started>\d+)")


def holder_name(run_id: str) -> str:
    """Return the holder name of a run in this process."""
    process = psutil.Process()
    return f"{run_id}@{socket.gethostname()}/{process.pid}/{int(process.create_time() * 100)}"


def is_gone(holder: str) -> bool:
    """Say whether the holder was a process of this host that no longer lives; False when that cannot be known."""
    found = _HOLDER.fullmatch(holder)
    if found is None or found["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(found["pid"]))
        return process.status() == psutil.STATUS_ZOMBIE or int(process.create_time() * 100) != int(found["started"])
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
