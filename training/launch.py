"""Starts a module on all hosts of a SageMaker job.

`launch.py MODULE ARGUMENT...` names it; without a module, it is the training.

On one host without several GPUs, it just runs the module. Otherwise `torchrun` starts a process for each GPU
of each host, or one for each host without any. SageMaker's own launcher, which the hyper-parameter
`sagemaker_torch_distributed_enabled` asks for, does the same, but only in trainings and in its own images.
"""

import json
import logging
import os
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

TRAINING = "training.train"
PORTS = range(20000, 30000)
INTERRUPTED = 130
"""Exit status that shells use after Ctrl-C."""


def find_module(arguments: Sequence[str]) -> list[str]:
    """The module to run and its arguments: those of a training have no module."""
    is_named = arguments and not arguments[0].startswith("-")
    return list(arguments) if is_named else [TRAINING, *arguments]


def torchrun_options(environment: Mapping[str, str]) -> list[str]:
    """The options of `torchrun` on this host of a job; none if one process is all."""
    current, hosts, _ = _find_hosts(environment)
    processes = _processes(environment)
    if len(hosts) * processes == 1:
        return []
    return [
        *("--nnodes", str(len(hosts)), "--nproc-per-node", str(processes)),
        *("--node-rank", str(hosts.index(current))),
        *("--master-addr", hosts[0], "--master-port", str(_port(environment))),
    ]


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the processes."""
    _, _, interface = _find_hosts(environment)
    network = {"GLOO_SOCKET_IFNAME": interface, "NCCL_SOCKET_IFNAME": interface} if interface else {}
    # Otherwise torchrun gives each of several processes one thread.
    threads = max(1, (os.cpu_count() or 1) // _processes(environment))
    return {**network, "OMP_NUM_THREADS": str(threads), **environment}


def _find_hosts(environment: Mapping[str, str]) -> tuple[str, list[str], str]:
    """Find this host, all hosts, and the interface of their network; that is empty if it is unknown."""
    if "SM_HOSTS" in environment:
        hosts = json.loads(environment["SM_HOSTS"])
        return environment["SM_CURRENT_HOST"], hosts, environment.get("SM_NETWORK_INTERFACE_NAME", "")
    # A processing job has the hosts in a file, without the interface.
    file = Path(environment.get("RESOURCES", ""))
    facts = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return facts.get("current_host", "localhost"), facts.get("hosts", ["localhost"]), ""


def _processes(environment: Mapping[str, str]) -> int:
    """The number of processes on this host."""
    return max(1, int(environment.get("SM_NUM_GPUS", "0")))


def _port(environment: Mapping[str, str]) -> int:
    """The port of the first host; it differs between jobs, because several may run on one machine."""
    name = environment.get("TRAINING_JOB_NAME") or environment.get("PROCESSING_JOB_NAME", "")
    return PORTS[zlib.crc32(name.encode()) % len(PORTS)]


def run_processes(arguments: list[str]) -> int:
    """Run `torchrun` in this process; the exit status is that of the first process that fails.

    A failed process has printed why, and that must stay the last line: SageMaker reports it.
    """
    # Only where several processes are wanted: the import takes seconds.
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    try:
        run.main(arguments)
    except ChildFailedError as error:
        status: int = error.get_first_failure()[1].exitcode
        return status if status > 0 else 1
    except SignalException:
        return INTERRUPTED
    return 0


def main() -> int:
    """Run the module; the exit status is its own."""
    program, options = find_module(sys.argv[1:]), torchrun_options(os.environ)
    if not options:
        words = [sys.executable, "-u", "-m", *program]
        # It replaces this process, so that signals reach it.
        os.execve(words[0], words, os.environ)  # noqa: S606
    os.environ.update(variables(os.environ))
    return run_processes([*options, "--module", *program])


if __name__ == "__main__":
    sys.exit(main())
