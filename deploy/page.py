"""The page: its files with their headers, and its security headers."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

# Only files of these types are part of the page; the folder has others.
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
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

# npm reads these.
NPM_FILES = ("package.json", "package-lock.json")

LISTING = "files.json"


OF_DOCUMENTS = ("Cross-Origin-Opener-Policy", "Permissions-Policy", "X-Frame-Options")
"""Security headers that browsers heed for documents only."""


def security_headers(*origins: str) -> dict[str, str]:
    """Headers that let the page load its own files and connect to `origins`, and nothing else."""
    policy = {
        "default-src": "'none'",
        # Classifying in the browser compiles WebAssembly. This does not allow eval of JavaScript.
        "script-src": "'self' 'wasm-unsafe-eval'",
        "worker-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "connect-src": " ".join(("'self'", *dict.fromkeys(origins))),
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
    """The same with gzip, for browsers that accept it, as CloudFront sends it."""
    media_type: str
    etag: str


class Page:
    """The page in `folder`. A file is read again when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[Path, tuple[int, File]] = {}

    def find(self, path: str) -> File | None:
        """The file at a URL's path, or None.

        A path without an extension is a location within the page, and gets index.html, as from CloudFront.
        """
        name = unquote(path).removeprefix("/")
        if "." not in name.rpartition("/")[2]:
            name = "index.html"
        if "\0" in name:
            return None
        if name == LISTING:
            return _file(listing(self._folder), ".json")
        if not self.holds(name):
            return None
        file = (self._folder / name).resolve()
        changed = file.stat().st_mtime_ns
        known = self._files.get(file)
        if known is None or known[0] != changed:
            known = self._files[file] = (changed, _read(file))
        return known[1]

    def holds(self, name: str) -> bool:
        """Whether `name`, a path in the page's folder, is a file of the page."""
        file = (self._folder / name).resolve()
        hidden = any(part.startswith(".") for part in file.parts[len(self._folder.parts) :])
        return (
            file.is_relative_to(self._folder)
            and not hidden
            and file.suffix in MEDIA_TYPES
            and file.name not in NPM_FILES
            and file.is_file()
        )


def listing(folder: Path) -> bytes:
    """`files.json`: the SHA-256 of each file of the page, by its path.

    The service worker uses it to cache one consistent version of the page for offline use.
    """
    page = Page(folder)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    files = {
        f"/{name}": hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in names
        if name != LISTING and page.holds(name)
    }
    return json.dumps({"files": files}, indent=0).encode()


def _read(file: Path) -> File:
    return _file(file.read_bytes(), file.suffix)


def _file(content: bytes, suffix: str) -> File:
    # Weak, because it covers both encodings of the file.
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    return File(content, gzip.compress(content, mtime=0), MEDIA_TYPES[suffix], etag)
