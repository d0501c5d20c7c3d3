"""The init process of a container: it runs a program and lets nothing of it outlive the emulator.

Started by local.sagemaker.containers in a session of its own. SIGTERM is forwarded to the program.
End-of-file on standard input shows that the emulator has ended; then everything in this session is killed.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Run the program on the command line. Return its exit status, or 128 plus the signal that ended it."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=kill_when_orphaned, daemon=True).start()
    status = program.wait()
    return status if status >= 0 else 128 - status


def kill_when_orphaned() -> None:
    """Wait for the end of the emulator, then kill this session."""
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    # Without interpreter shutdown, which would wait for the thread.
    os._exit(main())
