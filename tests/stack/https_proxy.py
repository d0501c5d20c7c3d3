"""Access for a browser to a page deployed in the emulator's account, under the name it has on AWS."""

import base64
import datetime
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.http_server import serving
from local.proxy import Proxy
from tests.stack.client import PATIENCE


@contextmanager
def https_proxy(domain: str, emulator_port: int, folder: Path) -> Iterator[tuple[str, ...]]:
    """Serve `domain`, a CloudFront distribution's, over HTTPS; give out command-line options for Chromium."""
    # The emulator serves distributions under names of this machine, without encryption.
    name = domain.replace(".cloudfront.net", f".cloudfront.localhost:{emulator_port}")
    proxy = Proxy(emulator_port, name, timeout=PATIENCE, headers=[(b"x-forwarded-proto", b"https")])
    certificate, key, fingerprint = _certificate(domain, folder)
    with serving(proxy, (certificate, key)) as port:
        yield (
            f"--host-resolver-rules=MAP {domain}:443 127.0.0.1:{port}",
            f"--ignore-certificate-errors-spki-list={fingerprint}",
        )


def _certificate(domain: str, folder: Path) -> tuple[Path, Path, str]:
    """Make a certificate that only the browser under test accepts.

    Returns:
        The files of certificate and key, and the fingerprint by which Chromium accepts it.
    """
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
