"""Checks, on a machine without a GPU, what can be of the peers that need one:

    python check_cuda_peers.py

Triton's kernels are run by its interpreter, every variant against numpy in f64, and compiled for an
H100; torch.compile runs on the CPU, which needs a C++ compiler.
"""

import os
import subprocess
import sys

# A process has either Triton's interpreter or its compiler.
COMPILE = "--compile" in sys.argv
if not COMPILE:
    os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch
import triton
import triton_softmax as kernels
from cuda_peers import Compiled

SHAPES = [(5, 1), (7, 3), (300, 10), (33, 128), (4, 1000), (2, 9000), (1, 70000)]


# Rows beyond the last are computed and not stored.
np.seterr(invalid="ignore")


def softmax(x):
    x = x.astype(np.float64)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def rows(count, cols):
    x = np.random.default_rng(1).normal(0, 10, (count, cols)).astype(np.float32)
    x[0, : cols // 2] = -np.inf
    return x


def compare(what, got, x):
    off = np.abs(got - softmax(x)).max()
    assert off < 1e-6, f"{what}: {off} off"


def interpret():
    ran = set()
    for shape in SHAPES:
        x = rows(*shape)
        for variant in kernels.variants(*shape):
            y = torch.full(shape, 7.0)
            kernels.launch(variant, torch.from_numpy(x), y)()
            compare(f"{shape} {variant}", y.numpy(), x)
            ran.add(variant[0])
    assert ran == {"held", "looped", "split"}, ran
    print("Triton: every variant's results are right in its interpreter")


def compile_for_h100():
    from triton.backends.compiler import GPUTarget

    constants = {
        "held": {"ROWS": 4, "BLOCK": 1024},
        "looped": {"BLOCK": 8192},
        "parts": {"BLOCK": 4096},
        "merge": {"BLOCK": 4096, "PARTS": 64},
    }
    for name, numbers in constants.items():
        function = getattr(kernels, name)
        pointers = {n: "*fp32" for n in function.arg_names if n.endswith("_ptr")}
        signature = {n: pointers.get(n, "constexpr" if n in numbers else "i32") for n in function.arg_names}
        # What a launch with buffers of torch and such a number of columns specialises for.
        aligned = [i for i, n in enumerate(function.arg_names) if n in pointers or n in ("cols", "per_part")]
        attributes = {(i,): [["tt.divisibility", 16]] for i in aligned}
        source = triton.compiler.ASTSource(function, signature, numbers, attributes)
        built = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 8})
        assert built.asm["cubin"], name
        wide = [built.asm["ptx"].count(f"{way}.global.v4") for way in ("ld", "st")]
        print(f"Triton: {name} compiles for an H100; loads and stores of 16 bytes: {wide}")


def torch_compile():
    peer = Compiled("cpu")
    x = rows(33, 1000)
    for place in ("kernel", "kernel"):
        peer.prepare(place, x)
        peer.call()
        compare("torch.compile", peer.result(), x)
    print("torch.compile: right on the CPU")


if __name__ == "__main__":
    if COMPILE:
        compile_for_h100()
    else:
        interpret()
        torch_compile()
        subprocess.run([sys.executable, __file__, "--compile"], check=True)
