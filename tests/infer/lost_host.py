"""One of two processes, of which the second is killed while the first waits: ``lost_host.py PORT OWN``."""

from __future__ import annotations

import os
import signal
import sys

from hmlm.infer import hosts
from hmlm.types import HmlmError

if __name__ == "__main__":
    port, own = sys.argv[1], int(sys.argv[2])
    hosts.LOST_AFTER = 5.0
    hosts.connect(f"localhost:{port}", 2, own)
    together = hosts.all_hosts()
    try:
        with together.together():
            together.told("one", own)
            if own == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            together.told("two", own)
    except HmlmError as error:
        print(error, flush=True)
