"""A browser's way to a page that is deployed in the emulator's account, under the name it has at AWS."""

import base64
import datetime
import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.edge import end_to_end


@contextmanager
def https_proxy(domain: str, emulator_port: int, folder: Path) -> Iterator[tuple[str, ...]]:
    """Answer HTTPS for `domain`, a distribution's, and give out what a Chromium has to be started with."""

    class Viewer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = dict(end_to_end(self.headers.items()))
            # The emulator serves distributions under names of this machine, without encryption.
            here = domain.replace(".cloudfront.net", f".cloudfront.localhost:{emulator_port}")
            connection = HTTPConnection("localhost", emulator_port, timeout=60)
            try:
                headers |= {"Host": here, "X-Forwarded-Proto": "https"}
                connection.request(self.command, self.path, body or None, headers)
                response = connection.getresponse()
                content = response.read()
            finally:
                connection.close()
            self.send_response(response.status)
            for name, value in end_to_end(response.getheaders()):
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # the names http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    certificate, key, fingerprint = _certificate(domain, folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Viewer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield (
            f"--host-resolver-rules=MAP {domain}:443 127.0.0.1:{server.server_port}",
            f"--ignore-certificate-errors-spki-list={fingerprint}",
        )
    finally:
        server.shutdown()
        server.server_close()


def _certificate(domain: str, folder: Path) -> tuple[Path, Path, str]:
    """A certificate that nobody but the browser of the test takes, its key, and what Chromium knows it by."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(private, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return *files, base64.b64encode(hashlib.sha256(public).digest()).decode()
