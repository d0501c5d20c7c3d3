"""The first process of a container: it runs a program and sees that nothing of it outlives the emulator.

Started by local.sagemaker.containers in a session of its own. SIGTERM goes on to the program. When standard
input ends, the emulator is gone, however it ended, and so is everything in this session.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Run the program on the command line; the status is its own, or 128 plus the signal that ended it."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=kill_when_alone, daemon=True).start()
    status = program.wait()
    return status if status >= 0 else 128 - status


def kill_when_alone() -> None:
    """Wait for the end of the emulator."""
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    # At once: interpreter shutdown would wait for nothing that matters here.
    os._exit(main())
