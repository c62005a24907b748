"""Serves one Python library as a contestant of `cargo xtask peers`.

    python serve.py NAME --place cpu|kernel --threads N

Lines of JSON on standard input are answered on standard output; `benches/compare/src/protocol.rs`
says what they mean. What libraries print goes to standard error.
"""

import argparse
import json
import os
import sys
import time


def contestant(name, place, threads, adapter):
    """The library by its name; importing it may fail, which is told."""
    if name == "iree":
        import iree_peer

        return iree_peer.Iree(adapter)
    if place != "cpu":
        import cuda_peers

        return cuda_peers.PEERS[name]()
    import cpu_peers

    return cpu_peers.PEERS[name](threads)


def nanoseconds():
    return time.perf_counter_ns(), time.process_time_ns()


def answer(library, request):
    """What a request gives; times are taken around the call alone."""
    import numpy as np

    if request["do"] == "prepare":
        rows, cols = request["rows"], request["cols"]
        library.call = library.y = None  # the old batch's memory first
        library.prepare(request["place"], np.fromfile(request["input"], dtype=np.float32).reshape(rows, cols))
        return None
    if request["do"] == "run":
        wall, cpu = nanoseconds()
        library.call()
        wall, cpu = [after - before for before, after in zip((wall, cpu), nanoseconds())]
        return {"wall": wall, "cpu": cpu, "device": library.device_nanoseconds()}
    np.ascontiguousarray(library.result(), dtype=np.float32).tofile(request["output"])
    return None


def attempt(out, work):
    try:
        content = {"ok": work()}
    except Exception as error:
        content = {"error": f"{type(error).__name__}: {error}".strip()}
    out.write(json.dumps(content) + "\n")
    out.flush()
    return content.get("ok")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--place", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--adapter", default="", help="a part of its name, for contestants on Vulkan")
    args = parser.parse_args()
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    library = None

    def open_library():
        nonlocal library
        library = contestant(args.name, args.place, args.threads, args.adapter)
        return {"version": library.version, "setting": library.setting, "device": library.adapter}

    if attempt(out, open_library):
        for line in sys.stdin:
            attempt(out, lambda: answer(library, json.loads(line)))


if __name__ == "__main__":
    main()
