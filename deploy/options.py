"""Options of `make deploy` and `make diff`. Those left out keep the values of the deployment before."""

import argparse
import re
from collections.abc import Callable, Mapping
from typing import get_args

from chalicelib.tasks import ServingKind, load_tasks
from deploy import foundation

NEVER = "never"
NONE = "none"
SCHEDULE = r"rate\([1-9][0-9]* (minute|hour|day)s?\)|cron\((\S+ ){5}\S+\)"
CERTIFICATE = "arn:[a-z-]+:acm:us-east-1:[0-9]{12}:certificate/[a-f0-9-]+"
FIREWALL = "arn:[a-z-]+:wafv2:us-east-1:[0-9]{12}:global/webacl/.+"
ORIGIN = "https?://[A-Za-z0-9.-]+(:[0-9]+)?"
"""The templates check the last three as well, but only when half of a deployment is done."""


def parse_arguments(description: str) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "stage", help="name of the installation, for example prod; part of every resource's name"
    )
    parser.add_argument(
        "--alarm-email",
        type=written(r"[^@\s]+@[^@\s]+", "an address such as you@example.org"),
        help="address that alarms are sent to, once it is confirmed",
    )
    parser.add_argument(
        "--domain",
        type=written(r"([a-z0-9-]+\.)+[a-z]{2,}", "a name such as images.example.org"),
        help="custom domain of the page",
    )
    parser.add_argument(
        "--certificate",
        type=written(CERTIFICATE, "the ARN of a certificate in us-east-1, which CloudFront needs"),
        help="ARN of the domain's certificate in us-east-1",
    )
    parser.add_argument(
        "--firewall",
        type=written(f"{FIREWALL}|{NONE}", f"the ARN of a web ACL for CloudFront in us-east-1, or {NONE}"),
        help="ARN of the web ACL in us-east-1 that CloudFront asks, or 'none'",
    )
    parser.add_argument(
        "--mfa",
        choices=sorted(foundation.MFA),
        help="whether all users need a second factor, or only those who have set one up",
    )
    parser.add_argument(
        "--decoder-vpc",
        choices=("on", "off"),
        help="whether images are decoded in a network without a way to the internet",
    )
    parser.add_argument(
        "--schedule",
        type=written(
            f"{SCHEDULE}|{NEVER}", f"such as 'rate(7 days)', 'cron(0 3 ? * MON *)' (UTC) or {NEVER}"
        ),
        help=f"when to retrain, for example 'rate(7 days)', or '{NEVER}'",
    )
    parser.add_argument(
        "--scheduled-task", choices=sorted(load_tasks()), help="the task that the schedule retrains"
    )
    parser.add_argument(
        "--instance",
        type=written(r"ml\.[a-z0-9-]+\.[a-z0-9-]+", "a type of SageMaker such as ml.g5.xlarge"),
        help="type of the instance that trains, for example ml.g5.xlarge",
    )
    parser.add_argument(
        "--serving",
        type=read_serving,
        help="how models of coming retrainings are served: embedded, serverless or provisioned; for some "
        "tasks only: chest-xray=serverless,retinal-oct=embedded",
    )
    parser.add_argument(
        "--budget", type=read_budget, help="US dollars a month that the account may cost; 0 ends the budget"
    )
    parser.add_argument(
        "--site-origin",
        type=written(ORIGIN, "an origin such as https://images.example.org"),
        help="origin of a page that is served elsewhere; no site is deployed then",
    )
    parser.add_argument("--local-login", action="store_true", help="the stage `local` requires login, too")
    arguments = parser.parse_args()
    if bool(arguments.domain) != bool(arguments.certificate):
        parser.error("a domain needs a certificate, and a certificate its domain")
    if arguments.firewall == NONE:
        arguments.firewall = ""
    if arguments.schedule == NEVER:
        arguments.schedule = ""
    return arguments


def written(pattern: str, form: str) -> Callable[[str], str]:
    """Make a function that returns a text if it matches a pattern, and otherwise says its form."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise argparse.ArgumentTypeError(f"'{text}' must be {form}")
        return text

    return read


def read_budget(text: str) -> int:
    """Whole US dollars.

    Raises:
        argparse.ArgumentTypeError: if the text is anything else.
    """
    if not re.fullmatch("[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(
            f"'{text}' must be whole US dollars, such as 200, or 0 for no budget"
        )
    return int(text)


def read_serving(text: str) -> Mapping[str, str]:
    """The kind of serving by task.

    Args:
        text: a kind, for all tasks, or TASK=KIND for some, separated by commas.

    Raises:
        argparse.ArgumentTypeError: if a task or a kind is unknown.
    """
    tasks, kinds = sorted(load_tasks()), get_args(ServingKind)
    if text in kinds:
        return dict.fromkeys(tasks, text)
    chosen = {task: kind for task, _, kind in (part.partition("=") for part in text.split(","))}
    if not chosen.keys() <= set(tasks) or not set(chosen.values()) <= set(kinds):
        raise argparse.ArgumentTypeError(
            f"'{text}' must be {', '.join(kinds[:-1])} or {kinds[-1]}, or TASK=KIND for some of the tasks "
            f"{', '.join(tasks)}, separated by commas"
        )
    return chosen
