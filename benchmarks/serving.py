"""A load test of `gankit serve` on this machine: requests a second, latency, memory, beside sampling in the process.

    python benchmarks/serving.py MODEL [--seconds 60] [--clients 32] [--rows 100] [--workers 1] [--format csv]

Starts a server of its own. Every client has a seed of its own and asks for the next rows of it again and again, over
one connection. Prints a JSON line: requests and rows a second, milliseconds at the median, at 95 and 99 of 100, errors,
milliseconds of processors that the server used for a request, the server's memory at the begin and at the end, and
rows a second of `Model.sample_batches` written to the same format, measured before the server starts, on as many cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def alone(model: str, format: str) -> float:
    """Rows a second from a model to a file in memory, in a process of its own."""
    program = (
        "import io, sys, time, gankit; m = gankit.load(sys.argv[1]); m.write(io.BytesIO(), 8192, format=sys.argv[2]);"
        "t = time.perf_counter(); m.write(io.BytesIO(), 200_000, format=sys.argv[2]);"
        "print(200_000 / (time.perf_counter() - t))"
    )
    done = subprocess.run([sys.executable, "-c", program, model, format], capture_output=True, text=True, check=True)
    return float(done.stdout)


def memory(pid: int) -> int:
    """MB of a process and of those that it began."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024
    return own + sum(memory(int(child)) for child in children)


def busy(pid: int) -> float:
    """Seconds of processors that a process and those that it began have used."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(busy(int(child)) for child in children)


async def client(port: int, path: str, asked: argparse.Namespace, seed: int, until: float, took: list[float]) -> int:
    """One client: how many of its answers were none."""
    errors, offset = 0, 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        body = json.dumps({"n": asked.rows, "seed": seed, "offset": offset, "format": asked.format}).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        begun = time.monotonic()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = (await reader.readline()).split()[1]
        length = 0
        while (line := await reader.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        await reader.readexactly(length)
        took.append(time.monotonic() - begun)
        errors += status != b"200"
        offset += asked.rows
    writer.close()
    return errors


async def load(port: int, name: str, asked: argparse.Namespace, seconds: float) -> tuple[list[float], int]:
    """Seconds of every answer, and errors."""
    took: list[float] = []
    until, path = time.monotonic() + seconds, f"/v1/models/{name}/sample"
    errors = await asyncio.gather(*(client(port, path, asked, seed, until, took) for seed in range(asked.clients)))
    return took, sum(errors)


def main() -> None:
    """Starts the server, loads it, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--format", default="csv")
    asked = parser.parse_args()
    plain = alone(asked.model, asked.format)
    command = [
        sys.executable,
        "-m",
        "gankit",
        "serve",
        asked.model,
        "--port",
        "0",
        "--json",
        "--workers",
        str(asked.workers),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            told = json.loads(server.stdout.readline())
            port, name = int(told["address"].rstrip("/").rpartition(":")[2]), told["models"][0]
            for _ in range(100):
                try:
                    asyncio.run(load(port, name, asked, 2))  # what is made once is made
                    break
                except (OSError, IndexError):  # it has not begun as yet
                    time.sleep(0.2)
            before, used = memory(server.pid), busy(server.pid)
            took, errors = asyncio.run(load(port, name, asked, asked.seconds))
            after, used = memory(server.pid), busy(server.pid) - used
        finally:
            server.terminate()
    times = 1000 * np.array(took)
    rows = len(took) * asked.rows / asked.seconds
    found = {
        "clients": asked.clients, "rows": asked.rows, "format": asked.format, "workers": asked.workers,
        "requests_per_second": round(len(took) / asked.seconds, 1), "rows_per_second": round(rows),
        "ms": {f"p{q}": round(float(np.percentile(times, q)), 1) for q in (50, 95, 99)}, "errors": errors,
        "processor_ms_of_a_request": round(1000 * used / len(took), 2),
        "memory_mb": [before, after], "alone_rows_per_second": round(plain), "share": round(rows / plain, 3),
    }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main()
