"""The page: its files, ready to be sent, and what browsers let it do."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

# Only these are part of the page; what else lies in its folder is not for browsers.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


def security_headers(upload_origin: str) -> dict[str, str]:
    """Headers that let the page load what is its own and upload to `upload_origin`, and do nothing else."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "connect-src": f"'self' {upload_origin}",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


@dataclass(frozen=True)
class File:
    """One file of the page."""

    content: bytes
    compressed: bytes
    """The same for browsers that take gzip, as CloudFront sends it."""
    media_type: str
    etag: str


class Page:
    """The page in `folder`, read anew when a file has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[Path, tuple[int, File]] = {}

    def find(self, path: str) -> File | None:
        """The file that a URL's path names, None where there is none.

        What names no file is a place within the page, and is answered with index.html, as in the cloud.
        """
        name = unquote(path).removeprefix("/")
        if "." not in name.rpartition("/")[2]:
            name = "index.html"
        if "\0" in name:
            return None
        file = (self._folder / name).resolve()
        hidden = any(part.startswith(".") for part in file.parts[len(self._folder.parts) :])
        if (
            not file.is_relative_to(self._folder)
            or hidden
            or file.suffix not in MEDIA_TYPES
            or not file.is_file()
        ):
            return None
        changed = file.stat().st_mtime_ns
        known = self._files.get(file)
        if known is None or known[0] != changed:
            known = self._files[file] = (changed, _read(file))
        return known[1]


def _read(file: Path) -> File:
    content = file.read_bytes()
    # Weak, since it stands for both forms of the file.
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    return File(content, gzip.compress(content, mtime=0), MEDIA_TYPES[file.suffix], etag)
