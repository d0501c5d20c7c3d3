"""`make run`: run the whole system on this machine until Ctrl-C."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from local.account import REGION, ROOT_CREDENTIALS, root_client
from local.deployment import PROJECT
from local.inbox import Inbox
from local.process import StartFailed
from local.stack import BUCKET, LocalStack
from local.users import USERS

STARTED = time.monotonic()


def main() -> None:
    """Run until Ctrl-C or SIGTERM. If a part does not start or stops, exit with a message and status 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=PROJECT / ".local", help="folder of all state")
    arguments = parser.parse_args()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.default_int_handler)
    try:
        ports = port("PORT", 8000), port("EMULATOR_PORT", 4566)
        run(LocalStack(arguments.directory, *ports, say, login=flag("LOGIN")))
    except StartFailed as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        say("Stopped. Results are kept.")


def run(stack: LocalStack) -> None:
    """Start the stack, watch its processes and upload from the drop folder."""
    try:
        with stack:
            inbox = local_inbox(stack)
            print(greeting(stack), flush=True)
            while True:
                stack.check()
                inbox.poll()
                time.sleep(1)
    except KeyboardInterrupt:
        say("Stopping")
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the state is being saved
        stack.stop()
        raise


def say(text: str) -> None:
    """Print a message with the time since the start."""
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


def port(variable: str, default: int) -> int:
    """The port in an environment variable; raise StartFailed if the value is not a port."""
    text = os.environ.get(variable) or str(default)
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise StartFailed(f"{variable} is {text!r}, but must be a port: a number from 1 to 65535.")
    return int(text)


def flag(variable: str) -> bool:
    """Whether an environment variable is set to 1; raise StartFailed unless it is 1, 0 or unset."""
    text = os.environ.get(variable) or "0"
    if text not in ("0", "1"):
        raise StartFailed(f"{variable} is {text!r}, but must be 1 or 0.")
    return text == "1"


def local_inbox(stack: LocalStack) -> Inbox:
    """The local folder whose files are uploaded to the stack's drop folder."""
    s3 = root_client("s3", stack.aws_url)
    tasks = [file.stem for file in (PROJECT / "chalicelib" / "tasks").glob("*.toml")]
    return Inbox(
        stack.directory / "inbox", tasks, lambda file, key: s3.upload_file(str(file), BUCKET, key), say
    )


def greeting(stack: LocalStack) -> str:
    """What to open, where things are and how to stop."""
    folder = Path(os.path.relpath(stack.directory))
    settings = {**ROOT_CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "no_proxy": "localhost"}
    variables = " ".join(f"{name}={value}" for name, value in settings.items())
    return f"""
Negatoscope is running. Not for clinical use.

  Page and API   {stack.url}/
{sign_in(stack)}
  Drop folder    Put images into {folder}/inbox/mammography-views/
                 or copy a folder with the AWS command line:

                 export {variables}
                 aws --endpoint-url http://localhost:{stack.emulator_port} s3 cp --recursive FOLDER \\
                     s3://{BUCKET}/inbox/mammography-views/

  Logs           {folder}/log/
  Stop           Ctrl-C. Results are kept; `make clean-local` deletes them.
"""


def sign_in(stack: LocalStack) -> str:
    """Names and passwords to sign in with; nothing without a login."""
    if not stack.login:
        return ""
    lines = [f"{user.name:<32}{user.password}" for user in USERS]
    return "\n  Sign in as     " + "\n                 ".join(lines) + "\n"


if __name__ == "__main__":
    main()
