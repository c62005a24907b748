"""Softmax on the CPU: this library against torch, onnxruntime and numpy, run for run.

    pip install -r benches/peers/cpu_requirements.txt
    cargo build --release --bench cpu_throughput       # prints the binary's path
    python benches/peers/cpu_peers.py target/release/deps/cpu_throughput-<hash>

Every round runs each library once, one after the other, so that a busy machine is busy for all;
what is reported is the median over rounds of the peer's time divided by ours (above 1: we are
faster), with the rates in GB/s counting one read and one write. The same for the CPU time a call
took, which other work on the machine disturbs less; with more than one thread it says little, since
some libraries spin while they wait. All write into a reused result:
torch with out=, onnxruntime with a bound output, numpy with out= in each step.
"""

import argparse
import glob
import json
import statistics
import subprocess
import time

SHAPES = [3, 10, 128, 1000, 4096, 32768, 131072, 1 << 24]


class Ours:
    def __init__(self, binary, precision, level=""):
        self.binary, self.precision, self.level = binary, precision, level
        self.child = subprocess.Popen([binary, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, rows, cols, threads):
        self.child.stdin.write(f"{rows} {cols} {threads} {self.precision} {self.level}\n")
        self.child.stdin.flush()
        return float(self.child.stdout.readline())

    def cpu_ns(self):
        """The CPU time of all its threads, on Linux."""
        tasks = glob.glob(f"/proc/{self.child.pid}/task/*/schedstat")
        return sum(int(open(task).read().split()[0]) for task in tasks)


class Timed:
    """A peer in this process: `prepare` makes a function without arguments."""

    def __init__(self, prepare):
        self.prepare, self.key, self.call = prepare, None, None

    def run(self, rows, cols, threads):
        if self.key != (rows, cols, threads):
            self.call = None
            self.key, self.call = (rows, cols, threads), self.prepare(rows, cols, threads)
        start = time.perf_counter_ns()
        self.call()
        return float(time.perf_counter_ns() - start)

    def cpu_ns(self):
        return time.process_time_ns()


def data(rows, cols):
    import numpy as np

    return (np.random.default_rng(1).random((rows, cols), dtype=np.float32) - 0.5) * 16


def torch_softmax(rows, cols, threads):
    import torch

    torch.set_num_threads(threads)
    x = torch.from_numpy(data(rows, cols))
    y = torch.empty_like(x)
    return lambda: torch.softmax(x, dim=1, out=y)


def onnxruntime_softmax(rows, cols, threads):
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [rows, cols]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Softmax", ["x"], ["y"], axis=1)], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = ort.OrtValue.ortvalue_from_numpy(data(rows, cols))
    y = ort.OrtValue.ortvalue_from_numpy(data(rows, cols))
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    return lambda: session.run_with_iobinding(binding)


def numpy_softmax(rows, cols, _threads):
    import numpy as np

    x = data(rows, cols)
    y = np.empty_like(x)

    def call():
        np.subtract(x, x.max(axis=1, keepdims=True), out=y)
        np.exp(y, out=y)
        np.divide(y, y.sum(axis=1, keepdims=True), out=y)

    return call


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--cols", type=lambda s: [int(n) for n in s.split(",")], default=SHAPES)
    parser.add_argument("--elements", type=int, default=1 << 24)
    parser.add_argument("--threads", type=lambda s: [int(n) for n in s.split(",")], default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers", default="torch,onnxruntime,numpy")
    args = parser.parse_args()
    makers = {"torch": torch_softmax, "onnxruntime": onnxruntime_softmax, "numpy": numpy_softmax}
    sides = {"reproducible": Ours(args.binary, "exact"), "fast": Ours(args.binary, "fast")}
    sides |= {name: Timed(makers[name]) for name in args.peers.split(",")}
    for cols in args.cols:
        for threads in args.threads:
            compare(sides, max(args.elements // cols, 1), cols, threads, args.rounds)


def compare(sides, rows, cols, threads, rounds):
    times = {name: [] for name in sides}
    cpu = {name: [] for name in sides}
    for turn in range(rounds + 2):
        # Forwards and backwards in turn, so that none always follows the same one.
        for name in list(sides)[:: 1 if turn % 2 else -1]:
            before = sides[name].cpu_ns()
            ns = sides[name].run(rows, cols, threads)
            time.sleep(0.0005)
            if turn >= 2:
                times[name].append(ns)
                cpu[name].append(sides[name].cpu_ns() - before)
    size = 8 * rows * cols
    line = {"rows": rows, "cols": cols, "threads": threads}
    line |= {f"{n}_GBps": round(size / statistics.median(t), 2) for n, t in times.items()}
    line |= {f"{n}_best_GBps": round(size / min(t), 2) for n, t in times.items()}
    for ours in ("reproducible", "fast"):
        for name in [n for n in sides if n not in ("reproducible", "fast")]:
            for what, ns in (("", times), (" cpu", cpu)):
                ratios = [peer / mine for peer, mine in zip(ns[name], ns[ours])]
                line[f"{ours}/{name}{what}"] = round(statistics.median(ratios), 2)
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
