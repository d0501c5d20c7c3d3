"""Ask a server on this machine, past any proxy that is set up for the world outside."""

import http.client

HOST = "127.0.0.1"


def ask(port: int, path: str, *, method: str = "GET", host: str | None = None, timeout: float = 120.0) -> int:
    """The HTTP status that the server on `port` answers, as `host`; raise OSError if it does not answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, headers={"Host": f"{host or HOST}:{port}"})
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise ConnectionError(f"port {port} does not speak HTTP") from error
    finally:
        connection.close()
