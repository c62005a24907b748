"""Softmax over the last axis by torch, torch.compile and Triton on an NVIDIA GPU."""

import os

from cpu_peers import Peer


class Cuda(Peer):
    """Eager torch. `kernel`: buffers on the device, up to a synchronisation; `end-to-end`: from and
    to pinned memory of the host. Both are used again."""

    what = "`torch.softmax(x, dim=1, out=y)`"

    def __init__(self, device="cuda"):
        import torch

        self.torch, self.version, self.device = torch, torch.__version__, device
        if device == "cuda" and not torch.cuda.is_available():
            raise RuntimeError(f"torch {torch.__version__} sees no CUDA device")
        torch.set_grad_enabled(False)
        self.events = None
        name = torch.cuda.get_device_name() if device == "cuda" else device
        self.setting = f"{self.what} on {name}, synchronised; end to end from and to pinned memory"

    def prepare(self, place, x):
        torch = self.torch
        host = torch.from_numpy(x)
        x = host.to(self.device)
        self.y = torch.zeros_like(x)
        work = self.work(x, self.y)
        if place == "end-to-end":
            work = self.around(work, host, x)
        self.call = lambda: self.fenced(work)

    def work(self, x, y):
        """What is measured, on the device."""
        return lambda: self.torch.softmax(x, dim=1, out=y)

    def around(self, work, host, x):
        """`work` with the copies."""
        host = host.pin_memory()
        back = self.torch.zeros_like(host, pin_memory=True)

        def copied():
            x.copy_(host, non_blocking=True)
            work()
            back.copy_(self.y, non_blocking=True)

        return copied

    def fenced(self, work):
        if self.device != "cuda":
            return work()
        cuda = self.torch.cuda
        self.events = [cuda.Event(enable_timing=True) for _ in range(2)]
        self.events[0].record()
        work()
        self.events[1].record()
        cuda.synchronize()

    def device_nanoseconds(self):
        return self.events[0].elapsed_time(self.events[1]) * 1e6 if self.events else None

    def result(self):
        return self.y.cpu().numpy()


class Compiled(Cuda):
    what = "`torch.compile(softmax, mode=\"max-autotune-no-cudagraphs\")` into a reused result"

    def work(self, x, y):
        torch = self.torch
        # Shapes are constants of what is compiled; earlier ones are forgotten.
        torch._dynamo.reset()
        softmax = torch.compile(
            lambda x, y: y.copy_(torch.softmax(x, dim=1)), mode="max-autotune-no-cudagraphs", dynamic=False
        )
        return lambda: softmax(x, y)


class Triton(Cuda):
    what = "kernels of `triton_softmax.py`, the fastest of its variants for the shape"

    def __init__(self, device="cuda"):
        # Fused operations are Triton's default; from 3.10 on it would be asked for.
        os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "1")
        import triton
        import triton_softmax

        super().__init__(device)
        self.kernels, self.version = triton_softmax, triton.__version__

    def work(self, x, y):
        rows, cols = x.shape
        launches = [self.kernels.launch(variant, x, y) for variant in self.kernels.variants(rows, cols)]
        if x.numel() == 0 or self.device != "cuda":
            return launches[0]
        return min(launches, key=self.time)

    def time(self, launch):
        """The best of some runs; a variant that needs more registers than there are is never it."""
        try:
            self.fenced(launch)
        except Exception:
            return float("inf")
        times = []
        for _ in range(5):
            self.fenced(launch)
            times.append(self.device_nanoseconds())
        return min(times)


PEERS = {"torch": Cuda, "torch-compile": Compiled, "triton": Triton}
