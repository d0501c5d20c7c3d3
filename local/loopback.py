"""HTTP requests to servers on this machine, bypassing any configured proxy."""

import http.client

HOST = "127.0.0.1"


def ask(port: int, path: str, *, method: str = "GET", host: str | None = None, timeout: float = 120.0) -> int:
    """Send a request to the server on `port` under the name `host`, and return the HTTP status.

    Raises:
        OSError: if there is no HTTP response.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, headers={"Host": f"{host or HOST}:{port}"})
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise ConnectionError(f"port {port} does not speak HTTP") from error
    finally:
        connection.close()
