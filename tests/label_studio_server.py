"""A real Label Studio on loopback with SQLite, and people who log in and work through its API with personal access tokens."""

import http.cookiejar
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 900
"""The first start makes the database: half a minute, or many on a busy machine."""
OWNER = ("owner@example.org", "a-password-for-tests")


class Person:
    """A user with a session of the web page and the token made there."""

    def __init__(self, url: str, email: str, password: str, page: str) -> None:
        self.url, self.email = url, email
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        html = self._opener.open(f"{url}{page}", timeout=60).read().decode()
        form = {
            "csrfmiddlewaretoken": re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)[1],
            "email": email,
            "password": password,
        }
        request = urllib.request.Request(f"{url}{page}", urllib.parse.urlencode(form).encode(), {"Referer": f"{url}{page}"})
        self._opener.open(request, timeout=60).read()
        self._refresh = self._session_post("/api/token/")["token"]
        self._access = ""
        self.id = self.call("GET", "/api/current-user/whoami")["id"]

    def _session_post(self, path: str) -> Any:
        csrf = next(cookie.value for cookie in self._cookies if cookie.name == "csrftoken")
        request = urllib.request.Request(f"{self.url}{path}", b"", {"X-CSRFToken": csrf, "Referer": self.url}, method="POST")
        return json.loads(self._opener.open(request, timeout=60).read())

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API with a bearer token, renewed when it has run out."""
        for attempt in range(2):
            try:
                return _send(f"{self.url}{path}", method, body, {"Authorization": f"Bearer {self._access}"} if self._access else {})
            except urllib.error.HTTPError as error:
                if error.code != 401 or attempt:
                    raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from None
                self._access = _send(f"{self.url}/api/token/refresh/", "POST", {"refresh": self._refresh}, {})["access"]
        raise AssertionError("unreachable")


def _send(url: str, method: str, body: Any, headers: dict[str, str]) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.loads(answer.read() or b"null")


@contextmanager
def serving(program: Path, folder: Path) -> Iterator[str]:
    """Start a server whose data lies in `folder`, yield its address, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    email, password = OWNER
    command = [str(program), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)]
    command += ["--username", email, "--password", password, "--log-level", "WARNING"]
    offline = {
        "LATEST_VERSION_CHECK": "false",
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "DJANGO_DB": "sqlite",
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **offline, "DEBUG": "false"}, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait(server, url, folder / "server.log")
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).read()
            return
        except OSError:
            time.sleep(2)
    raise AssertionError(f"Label Studio did not start: {log.read_text(errors='replace')[-2000:]}")


def owner(url: str) -> Person:
    """Log the server's first user in."""
    return Person(url, *OWNER, page="/user/login/")


def annotator(url: str, email: str) -> Person:
    """Sign a new user up, as an annotator does."""
    return Person(url, email, "a-password-for-tests", page="/user/signup/")
