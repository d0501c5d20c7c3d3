"""Clients that go on sending images to a stage."""

import json
import threading
from collections.abc import Callable
from typing import Self

from tests.images import grey_file
from tests.stack.client import TASK, Client
from tests.stack.installation import BUCKET, Installation

PAUSE = 0.5
"""Seconds between two images."""


class Senders:
    """One uploads and one drops images, each a different one, until the context is left. None may fail."""

    def __init__(self, client: Client, installation: Installation) -> None:
        self.uploaded: set[str] = set()
        """Ids."""
        self.dropped: set[str] = set()
        """Keys."""
        self._client, self._installation = client, installation
        self._token = installation.token
        self._over = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._repeat, args=(send,)) for send in (self._upload, self._drop)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        assert self._failures == []

    def _repeat(self, send: Callable[[int], None]) -> None:
        number = 0
        while not self._over.wait(PAUSE):
            number += 1
            try:
                send(number)
            except BaseException as error:
                self._failures.append(error)
                return

    def _upload(self, number: int) -> None:
        image = grey_file("PNG", 100 + number, 80)
        request = json.dumps({"task": TASK, "size": len(image), "content_type": "image/png"}).encode()
        headers = {"Authorization": self._token, "Content_Type": "application/json"}
        answer = self._installation.visit("POST", "/api/uploads", request, **headers)
        assert answer.status == 201, answer.body
        stored = self._client.post_form(answer.json["upload"], image)
        assert stored.status == 204, stored.body
        self.uploaded.add(answer.json["id"])

    def _drop(self, number: int) -> None:
        key = f"inbox/{TASK}/flow/{number}.png"
        self._client.s3.put_object(Bucket=BUCKET, Key=key, Body=grey_file("PNG", 80, 100 + number))
        self.dropped.add(key)
