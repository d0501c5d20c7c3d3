"""Programs and servers that are started, asked and ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.program import Program, ProgramFailed, Server, family

LENGTH = """
from benchmarks.peers.protocol import serve
print("a library says hello")
serve(lambda: lambda data: str(len(data)))
"""
SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = b'"film"' if b"\\r\\n\\r\\nPIXELS\\r\\n--" in body else b'"?"'
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
CORE = max(os.sched_getaffinity(0))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(b"PIXELS")
    return path


def test_program_answers_for_files_on_one_core(file: Path) -> None:
    with Program([sys.executable, "-c", LENGTH], CORE) as program:
        reply = program.ask(file)
        (process,) = family(program._process.process.pid)
        assert os.sched_getaffinity(process) == {CORE}
        assert reply.answer == "6"
        assert 0 < reply.ms < 10_000
        assert 1 < reply.peak_mb < 500
        assert program.imported_s is not None
        assert 0 < program.imported_s < program.age
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_program_that_cannot_start_says_why() -> None:
    with pytest.raises(
        ProgramFailed, match="it gave no answer: ModuleNotFoundError: No module named 'nowhere'"
    ):
        Program([sys.executable, "-c", "import nowhere"], CORE)
    with pytest.raises(ProgramFailed, match=r"\.venv-absent is not installed"):
        Program(["/.venv-absent/bin/python"], CORE)


def test_program_that_fails_at_a_file_says_why(file: Path) -> None:
    code = (
        "from benchmarks.peers.protocol import serve\ndef load(): raise ValueError('no model')\nserve(load)"
    )
    with (
        Program([sys.executable, "-c", code], CORE) as program,
        pytest.raises(ProgramFailed, match="no model"),
    ):
        program.ask(file)


def test_server_is_asked_until_it_listens(file: Path) -> None:
    server = Server([sys.executable, "-c", SERVER], CORE)
    try:
        assert [server.ask(file).answer for _ in range(2)] == ["film", "film"]
        assert server.ask(file).peak_mb > 1
    finally:
        server.close()


def test_server_that_ends_says_why(file: Path) -> None:
    server = Server([sys.executable, "-c", "raise SystemExit('no port')"], CORE)
    with pytest.raises(ProgramFailed, match="it gave no answer: no port"):
        server.ask(file)
    server.close()


def test_family_has_what_a_process_started() -> None:
    code = "import subprocess; subprocess.run(['sleep', '60'], start_new_session=True)"
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        while len(found := [*family(parent.pid)]) < 2:
            pass
        assert found[0] == parent.pid
        for process in reversed(found):
            os.kill(process, 9)
