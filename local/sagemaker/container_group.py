"""The containers of a job: one for each of its hosts."""

from collections.abc import Sequence

from local.sagemaker.containers import Container


class ContainerGroup:
    """Containers that run together: if one of them fails, the others are killed."""

    def __init__(self, containers: Sequence[Container]) -> None:
        self._running = list(containers)
        self._containers = tuple(containers)
        self._status = 0
        self.failed: int | None = None
        """The number of the container that failed first."""

    def wait(self, timeout: float) -> int | None:
        """Wait until all have ended.

        Returns:
            The exit status of the first that failed, 0 if none did, or None after `timeout` seconds.
        """
        for container in list(self._running):
            status = container.wait(timeout / len(self._running))
            if status is None:
                continue
            self._running.remove(container)
            if status and not self._status:
                self._status = status
                self.failed = self._containers.index(container)
                for other in self._running:
                    other.kill()
        return None if self._running else self._status

    def terminate(self, grace: float) -> None:
        """Send SIGTERM, and SIGKILL after `grace` seconds. Returns at once."""
        for container in list(self._running):
            container.terminate(grace)
