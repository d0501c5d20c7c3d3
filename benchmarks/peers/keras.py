"""Keras as the AWS samples serve it. Arguments: see `load`."""

import sys
from functools import cache

import numpy as np
import tensorflow as tf

from benchmarks.peers.framing import framed
from benchmarks.peers.protocol import Answer, serve


def load(keep: str, model: str, channels: str, width: str, height: str, *classes: str) -> Answer:
    """Take whether the model is kept ("kept") or loaded for every image ("each"); one thread."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    def read() -> tf.keras.Model:
        return tf.keras.models.load_model(model, compile=False)

    get = cache(read) if keep == "kept" else read

    def answer(data: bytes) -> str:
        frame = framed(data, int(width), int(height)).transpose(0, 2, 3, 1)
        images = np.repeat(frame, int(channels), axis=3)
        return classes[int(get().predict(images, verbose=0)[0].argmax())]

    return answer


if __name__ == "__main__":
    serve(lambda: load(*sys.argv[1:]))
