"""LiteRT, formerly TensorFlow Lite. Arguments: see `load`."""

import sys

from ai_edge_litert.interpreter import Interpreter

from benchmarks.peers.framing import framed
from benchmarks.peers.protocol import Answer, serve


def load(model: str, width: str, height: str, *classes: str) -> Answer:
    """Take the converted model; one thread."""
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    (entry,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(data: bytes) -> str:
        frame = framed(data, int(width), int(height)).transpose(0, 2, 3, 1)
        interpreter.set_tensor(entry["index"], frame.astype(entry["dtype"]))
        interpreter.invoke()
        return classes[int(interpreter.get_tensor(result["index"])[0].argmax())]

    return answer


if __name__ == "__main__":
    serve(lambda: load(*sys.argv[1:]))
