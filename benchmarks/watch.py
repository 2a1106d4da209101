"""What pages that are open on a run cost its training, and whether the server's memory stays flat. Linux only.

    python benchmarks/watch.py [--pages 10] [--browser] [--pairs 5] [--period 20] [--updates 10000 --kept 500]

A training of numbers plays all the time; for `--period` seconds no page is open, then `--pages` of them, `--pairs`
times. Printed as JSON lines: the ratios of samples per second, the server's share of a core, and its memory with its
growth an hour (by least squares, the first minute left out). A page is a client that asks for what a page asks for and
follows the events; with `--browser` it is a tab of headless Chromium (Playwright), which takes a core of its own, and
at the end a run of so many updates and kept previews, written by hand, is opened and scrubbed. With `--steady MINUTES`
the pages stay open for so long, and the server's memory alone is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np

TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(pid: int) -> float:
    """Processor time of a process so far."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def next_update(log: Path) -> tuple[float, float]:
    """When the next update of a run comes, and its samples."""
    size = log.stat().st_size
    while log.stat().st_size == size:
        time.sleep(0.002)
    now = time.perf_counter()
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - 4000, 0))
        lines = file.read().splitlines()
    for line in reversed(lines):
        try:
            return now, json.loads(line)["samples"]
        except (ValueError, KeyError):
            continue
    raise SystemExit("the log has no update")


class Client(threading.Thread):
    """What a page asks for: the run, its curves, its previews, then its events and each new preview."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address, self.leaving, self.events = address, False, 0

    def run(self) -> None:
        """Follows until it is told to leave."""
        with httpx.Client(base_url=self.address, timeout=30) as page:
            for path in ("/run/run", "/api/runs/run", "/api/runs/run/curves?points=1500", "/api/runs/run/previews"):
                page.get(path)
            with page.stream("GET", "/api/runs/run/events") as answer:
                kind = ""
                for line in answer.iter_lines():
                    if self.leaving:
                        return
                    kind = line.removeprefix("event: ") if line.startswith("event: ") else kind
                    if line.startswith("data: "):
                        self.events += 1
                        if kind == "preview":
                            at = json.loads(line[6:])["samples"]
                            page.get("/api/runs/run/previews")
                            page.get(f"/api/runs/run/previews/{at}")
                            page.get(f"/api/runs/run/surface/{at}")


@contextmanager
def clients(address: str, count: int) -> Iterator[None]:
    """Pages as clients."""
    made = [Client(address) for _ in range(count)]
    for one in made:
        one.start()
    try:
        yield
    finally:
        assert all(one.events for one in made), "a client heard of nothing"
        for one in made:
            one.leaving = True
        for one in made:
            one.join(10)


@contextmanager
def chromium() -> Iterator[Any]:
    """Headless Chromium."""
    import shutil

    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def tabs(browser: Any, address: str, count: int) -> Iterator[None]:
    """Pages as tabs of windows of their own."""
    made = [browser.new_context() for _ in range(count)]
    for one in made:
        one.new_page().goto(f"{address}/run/run")
    yield
    for one in made:
        one.close()


def measured(asked: argparse.Namespace, home: Path, stack: ExitStack) -> None:
    """Trains, watches, and prints what it costs."""
    draws = np.random.default_rng(0)
    np.save(home / "numbers.npy", np.concatenate([draws.normal(-2, 0.5, 5000), draws.normal(2, 0.5, 5000)]))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    words = [sys.executable, "-m", "gankit", "train", str(home / "numbers.npy"), "--out", str(home / "runs" / "run")]
    training = subprocess.Popen([*words, "--samples", "500M", "--no-early-stop", "--threads", "1"], **quiet)
    stack.callback(training.kill)
    words = [sys.executable, "-m", "gankit", "watch", str(home / "runs"), "--no-browser", "--port", str(asked.port)]
    (home / "runs").mkdir(exist_ok=True)
    server = subprocess.Popen(words, **quiet)
    stack.callback(server.kill)
    address, log = f"http://localhost:{asked.port}", home / "runs" / "run" / "log.jsonl"
    while not log.exists():
        assert training.poll() is None and server.poll() is None
        time.sleep(0.1)
    browser = stack.enter_context(chromium()) if asked.browser else None
    if asked.steady:
        return steady(asked, server.pid, address)
    started, memory, done = time.perf_counter(), [], threading.Event()

    def watch_memory() -> None:
        while not done.wait(1.0):
            memory.append((time.perf_counter() - started, memory_mb(server.pid)))

    watcher = threading.Thread(target=watch_memory)
    watcher.start()
    ratios, shares, speeds = [], [], []
    for _ in range(asked.pairs):
        speed = {}
        for count in (0, asked.pages):
            with ExitStack() as pages:
                if count:
                    pages.enter_context(
                        tabs(browser, address, count) if browser is not None else clients(address, count)
                    )
                    time.sleep(3)
                begin, before, spent = *next_update(log), processor_s(server.pid)
                time.sleep(asked.period)
                end, after, now = *next_update(log), processor_s(server.pid)
            speed[count] = (after - before) / (end - begin)
            if count:
                shares.append((now - spent) / (end - begin))
        ratios.append(speed[asked.pages] / speed[0])
        speeds.append(speed[0])
        print(json.dumps({"pair": len(ratios), "ratio": round(ratios[-1], 4)}), flush=True)
    done.set()
    watcher.join()
    late = [(t, mb) for t, mb in memory if t > 60] or memory
    slope = float(np.polyfit(*zip(*late, strict=True), 1)[0]) * 3600
    found = {
        "pages": asked.pages, "browser": asked.browser, "pairs": asked.pairs, "period_s": asked.period,
        "samples_per_second": round(median(speeds)), "speed_ratio": round(median(ratios), 4),
        "from": round(min(ratios), 4), "to": round(max(ratios), 4), "server_share_of_a_core": round(median(shares), 4),
        "minutes": round(memory[-1][0] / 60, 1), "mb_after_a_minute": round(late[0][1], 1),
        "mb_at_the_end": round(memory[-1][1], 1), "mb_an_hour": round(slope, 2),
    }  # fmt: skip
    print(json.dumps(found), flush=True)
    if browser is not None:
        opened(asked, browser, address, home)


def steady(asked: argparse.Namespace, server: int, address: str) -> None:
    """Keeps pages open, and prints the server's memory over time."""
    seconds, memory, begin = [], [], time.perf_counter()
    with clients(address, asked.pages):
        while time.perf_counter() - begin < 60 * asked.steady:
            time.sleep(5)
            seconds.append(time.perf_counter() - begin)
            memory.append(memory_mb(server))
    shown = {f"{s / 60:.1f}": round(mb, 1) for s, mb in list(zip(seconds, memory, strict=True))[11::12]}
    late = [k for k, s in enumerate(seconds) if s > 0.4 * seconds[-1]]
    slope = float(np.polyfit([seconds[k] for k in late], [memory[k] for k in late], 1)[0]) * 3600
    found = {"pages": asked.pages, "minutes": asked.steady, "mb_an_hour_after_40%": round(slope, 2), "mb": shown}
    print(json.dumps(found), flush=True)


def opened(asked: argparse.Namespace, browser: Any, address: str, home: Path) -> None:
    """Opens a long run, and prints how long that takes and how long scrubs stall."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from browser_runs import long_run

    long_run(home / "runs" / "long", asked.updates, asked.kept)
    seconds, frames = [], []
    for _ in range(5):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page, begin = context.new_page(), time.perf_counter()
        page.goto(f"{address}/run/long")
        page.wait_for_selector("[data-samples]")
        page.wait_for_selector(".charts svg .curve", state="attached")
        seconds.append(time.perf_counter() - begin)
        page.evaluate(
            "window.longest = 0; let last = performance.now();"
            "const tick = (now) => { window.longest = Math.max(window.longest, now - last); last = now;"
            "requestAnimationFrame(tick); }; requestAnimationFrame(tick);"
        )
        box = page.get_by_role("slider", name="Time").bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 30)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 30, steps=120)
        page.mouse.up()
        frames.append(page.evaluate("window.longest"))
        context.close()
    found = {"updates": asked.updates, "kept": asked.kept, "opens_s": round(median(seconds), 2)}
    print(json.dumps({**found, "slowest_s": round(max(seconds), 2), "longest_frame_ms": round(median(frames))}))


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--period", type=float, default=20.0)
    parser.add_argument("--steady", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=8477)
    parser.add_argument("--updates", type=int, default=10_000)
    parser.add_argument("--kept", type=int, default=500)
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        measured(parser.parse_args(), Path(home), stack)


if __name__ == "__main__":
    main()
