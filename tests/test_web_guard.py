"""Who may ask the page's server, and what its answers allow."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_examples import CHANGES, asking, plays, static_files, update, written_run

from gankit.web.guard import COOKIE, POLICY


@pytest.fixture
def place(tmp_path: Path) -> Path:
    written_run(tmp_path / "runs" / "one", update(1))
    (tmp_path / "secret.txt").write_text("S3CRET")
    static_files(tmp_path / "static")
    return tmp_path


@pytest.mark.parametrize(
    "path", ["/", "/api/runs", "/api/runs/one/curves", "/api/nothing", "/static/main.js", "/static/x"]
)
def test_every_answer_has_the_headers_that_keep_a_browser_in_bounds(place: Path, path: str) -> None:
    with asking(place / "runs", static=place / "static") as page:
        headers = page.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY and "default-src 'none'" in POLICY and "frame-ancestors 'none'" in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] in ("no-store", "no-cache")


def test_the_page_is_at_every_address_of_a_view(place: Path) -> None:
    with asking(place / "runs", static=place / "static") as page:
        for path in ("/", "/run/one", "/run/sweep/two", "/learn", "/compare"):
            found = page.get(path)
            assert found.status_code == 200 and "/static/main.js" in found.text
        assert page.get("/static/main.js").headers["content-type"].startswith("text/javascript")
        assert page.get("/static/panels/words.js").status_code == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:8400", "127.0.0.1:9", "[::1]:8400", "LOCALHOST"])
def test_this_machine_may_ask_by_its_own_names(place: Path, host: str) -> None:
    with asking(place / "runs") as page:
        assert page.get("/api/runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:80", "127.0.0.1.evil", "", "[::1", "10.0.0.1"]
)
def test_another_name_of_this_server_is_refused(place: Path, host: str) -> None:
    with asking(place / "runs") as page:
        found = page.get("/api/runs", headers={"Host": host})
        assert found.status_code == 403 and "printed" in found.json()["error"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "https://localhost.evil"])
def test_pages_of_other_addresses_may_not_ask(place: Path, origin: str) -> None:
    with asking(place / "runs") as page:
        assert page.get("/api/runs", headers={"Origin": origin}).status_code == 403
        assert page.post("/api/runs/one/stop", headers={"Origin": origin}).status_code == 403
        assert page.get("/api/runs", headers={"Origin": "http://localhost"}).status_code == 200


def test_what_a_browser_fetches_for_another_page_is_refused_and_a_link_is_followed(place: Path) -> None:
    with asking(place / "runs", static=place / "static") as page:
        for site in ("cross-site", "same-site"):
            assert page.get("/api/runs", headers={"Sec-Fetch-Site": site}).status_code == 403
            assert page.get("/static/main.js", headers={"Sec-Fetch-Site": site}).status_code == 403
            link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
            assert page.get("/", headers=link).status_code == 200
            assert page.get("/api/runs/one/replay", headers=link).status_code == 403
        assert page.get("/api/runs", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_what_changes_something_needs_the_header_that_no_other_page_can_send(place: Path) -> None:
    run = place / "runs" / "one"
    plays(run)
    with asking(place / "runs") as page:
        assert page.request("POST", "/api/runs/one/stop").status_code == 403
        assert page.get("/api/runs/one/stop").status_code == 404
        assert page.request("DELETE", "/api/runs/one", headers=CHANGES).status_code == 405
        assert not (run / "stop").exists()
        assert page.post("/api/runs/one/stop").status_code == 204
        assert (run / "stop").exists()


def test_a_token_is_needed_where_others_can_ask(place: Path) -> None:
    keywords = {"hosts": frozenset({"10.0.0.1"}), "token": "T0ken"}
    with asking(place / "runs", "http://10.0.0.1:8400", static=place / "static", **keywords) as page:
        for path in ("/", "/api/runs", "/static/main.js", "/api/runs?token=", "/api/runs?token=t0ken"):
            assert page.get(path).status_code == 401
        assert page.get("/api/runs", headers={"Authorization": "Bearer nonsense"}).status_code == 401
        assert page.get("/api/runs", headers={"Cookie": f"{COOKIE}=nonsense"}).status_code == 401
        assert page.get("/api/runs", headers={"Authorization": "Bearer T0ken"}).status_code == 200
        first = page.get("/run/one?at=3&token=T0ken")
        assert first.status_code == 303 and first.headers["location"] == "/run/one?at=3"
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert page.get("/api/runs").status_code == 200  # the cookie is sent from here on
        assert page.get("http://10.0.0.1:8400//evil.example/?token=T0ken").headers["location"] == "/evil.example/"


@pytest.mark.parametrize(
    "path",
    [
        "/static/%2e%2e/secret.txt", "/static/..%2fsecret.txt", "/static/link.js", "/static/%2fetc%2fpasswd",
        "/api/runs/..%2fsecret.txt", "/api/runs/%2e%2e/curves", "/api/runs/one%2f..%2f../curves",
        "/api/runs/one/previews/..%2f..%2fsecret.txt", "/api/runs/one/previews/%2e%2e",
        "/api/runs/one/surface/..%2fconfig", "/api/runs/one/audio/..%2f0/0.wav", "/api/runs/one/neighbours/0/..%2f0",
        "/report/..%2f..%2fsecret", "/report/one", "/api/data/..%2f..%2fsecret.txt", "/api/data/%2e%2e",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_folders(place: Path, path: str) -> None:
    (place / "static" / "link.js").symlink_to(place / "secret.txt")
    with asking(place / "runs", static=place / "static") as page:
        found = page.get(path)
        assert found.status_code == 404, found.text
        assert "S3CRET" not in found.text


def test_links_of_a_run_that_lead_elsewhere_show_nothing(place: Path) -> None:
    run = place / "runs" / "one"
    (run / "previews").mkdir()
    for name in ("000000000000.png", "real.png", "about.json"):
        (run / "previews" / name).symlink_to(place / "secret.txt")
    (run / "report.html").symlink_to(place / "secret.txt")
    (run / "model.safetensors").symlink_to(place / "secret.txt")
    with asking(place / "runs") as page:
        for path in (
            "/api/runs/one/previews/0",
            "/api/runs/one/previews/real",
            "/report/one",
            "/api/runs/one/conditions",
        ):
            found = page.get(path)
            assert found.status_code == 404 and "S3CRET" not in found.text
        assert page.get("/api/runs/one").json()["report"] is False


def test_a_report_is_shown_without_any_script(place: Path) -> None:
    (place / "runs" / "one" / "report").mkdir()
    (place / "runs" / "one" / "report" / "report.html").write_text("<style>b {}</style><script>1</script>")
    with asking(place / "runs") as page:
        found = page.get("/report/one")
        assert found.status_code == 200 and page.get("/api/runs/one").json()["report"] is True
    policy = found.headers["content-security-policy"]
    assert "sandbox" in policy and "script-src" not in policy and "default-src 'none'" in policy


def test_long_bodies_are_refused_before_they_are_read(place: Path) -> None:
    with asking(place / "runs") as page:
        large = page.post("/api/runs/one/sample", content=b"x" * (2 << 20))
        assert large.status_code == 413 and "MB" in large.json()["error"]

        async def parts() -> object:
            for _ in range(40):
                yield b"x" * (1 << 16)

        streamed = page.post("/api/runs/one/sample", content=parts())
        assert streamed.status_code == 413
        wrong = page.post("/api/runs/one/sample", content=b"", headers={"Content-Length": "-1"})
        assert wrong.status_code == 413


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'"a"', b"[" * 5000])
def test_bodies_that_are_no_json_object_are_refused_in_words(place: Path, body: bytes) -> None:
    with asking(place / "runs") as page:
        for path in ("/api/runs/one/sample", "/api/start"):
            found = page.post(path, content=body)
            assert found.status_code == 422 and "JSON" in found.json()["error"]


@pytest.mark.parametrize("query", ["points=x", "points=-1", "from=nan", "to=a", "points=" + "9" * 400])
def test_numbers_of_an_address_are_checked(place: Path, query: str) -> None:
    with asking(place / "runs") as page:
        found = page.get(f"/api/runs/one/curves?{query}")
        assert found.status_code == 422 or (query.endswith("999") and found.status_code == 200)
