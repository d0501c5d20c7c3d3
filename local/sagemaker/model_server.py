"""The HTTP server in a model's container: calls `code/inference.py` as SageMaker's PyTorch container does.

Started by local.sagemaker.model_containers with the interpreter of the training environment, so it uses the
standard library only: `python model_server.py MODEL_FOLDER PORT_FILE`. It writes its port to
PORT_FILE and answers `GET /ping` with 200 as soon as the model is loaded.

It behaves as sagemaker-inference does: one worker, so one request at a time; JSON and CSV are passed as
text, everything else as bytes; functions with one more parameter get the context; an exception is answered
with 500 and the stack trace.
"""

import importlib
import inspect
import os
import sys
import threading
import traceback
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TEXT = ("application/json", "text/csv")
FUNCTIONS = ("input_fn", "predict_fn", "output_fn")


class Context:
    """The folder of the model, and the response status, which the functions may set."""

    def __init__(self, model_dir: str) -> None:
        self.system_properties = {"model_dir": model_dir, "gpu_id": None}
        self.status = 200
        self.phrase = "OK"

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002
        """Set the status of the response. Each call has one request, so `idx` is always 0."""
        self.status, self.phrase = code, phrase.replace("\r", " ").replace("\n", " ")


class Model:
    """The functions of the user's script and the result of its `model_fn`."""

    def __init__(self, model_dir: Path) -> None:
        self._dir = str(model_dir)
        sys.path.insert(0, str(model_dir / "code"))
        program = os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
        self._module = importlib.import_module(program.removesuffix(".py"))
        missing = [name for name in ("model_fn", *FUNCTIONS) if not hasattr(self._module, name)]
        if missing:
            sys.exit(f"{program} does not define {', '.join(missing)}.")
        self._model = call(self._module.model_fn, self._dir, context=Context(self._dir))
        self._lock = threading.Lock()

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str, Context]:
        """Return the body and content type of the response, and the context with its status."""
        context = Context(self._dir)
        media_type = content_type.partition(";")[0].strip().lower()
        try:
            content = body.decode("utf-8") if media_type in TEXT else body
            with self._lock:
                data = call(self._module.input_fn, content, content_type, context=context)
                prediction = call(self._module.predict_fn, data, self._model, context=context)
                result = call(self._module.output_fn, prediction, accept, context=context)
        except Exception as error:
            trace = traceback.format_exc()
            print(trace, file=sys.stderr, flush=True)
            context.set_response_status(500, "Internal Server Error")
            return f"{error}\n{trace}".encode(), "text/plain", context
        answer, answered_type = result if isinstance(result, tuple) else (result, accept)
        return answer.encode() if isinstance(answer, str) else bytes(answer), answered_type, context


def call(function: Callable[..., Any], *arguments: Any, context: Context) -> Any:
    """Call a function, with the context if it has a parameter for it."""
    takes_context = len(inspect.signature(function).parameters) > len(arguments)
    return function(*arguments, context) if takes_context else function(*arguments)


class Handler(BaseHTTPRequestHandler):
    """Handles one request."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        """Answer the health check."""
        found = self.path == "/ping"
        self._send(200 if found and self.server.model else 503 if found else 404, "", b"", "text/plain")

    def do_POST(self) -> None:
        """Answer an invocation."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/invocations" or self.server.model is None:
            self._send(404 if self.server.model else 503, "", b"", "text/plain")
            return
        content_type = self.headers.get("Content-Type", "application/json")
        accept = self.headers.get("Accept", "*/*")
        accept = "application/json" if accept == "*/*" else accept
        answer, answered_type, context = self.server.model.answer(body, content_type, accept)
        self._send(context.status, context.phrase, answer, answered_type)

    def _send(self, status: int, phrase: str, body: bytes, content_type: str) -> None:
        self.send_response(status, phrase or HTTPStatus(status).phrase)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: the log is for the output of the model."""


class Server(ThreadingHTTPServer):
    """The server. Without a model it answers 503."""

    daemon_threads = True
    request_queue_size = 128
    model: Model | None = None


def main(model_dir: Path, port_file: Path) -> None:
    """Load the model and serve it until the process is killed."""
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    draft = port_file.with_suffix(".draft")
    draft.write_text(str(server.server_port))
    draft.replace(port_file)
    server.model = Model(model_dir)
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
