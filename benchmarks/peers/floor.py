"""The floor: Pillow, numpy and onnxruntime, with no checks. Arguments: graph, width, height, class names."""

import sys

import onnxruntime

from benchmarks.peers.framing import framed
from benchmarks.peers.protocol import Answer, serve


def load(graph: str, width: str, height: str, *classes: str) -> Answer:
    """Open the graph with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def answer(data: bytes) -> str:
        probabilities = session.run(None, {"image": framed(data, int(width), int(height))})[0]
        return classes[int(probabilities[0].argmax())]

    return answer


if __name__ == "__main__":
    serve(lambda: load(*sys.argv[1:]))
