"""Softmax over the last axis by IREE's compiler and its Vulkan runtime, on any adapter of Vulkan."""

import time

import numpy as np

from cpu_peers import Peer

# GPUs that the compiler knows, beside "", which means a Vulkan that assumes none of them. A target can be wrong for
# an adapter, in its results too: lanes of a subgroup that it counts on may not be there.
TARGETS = ["", "ampere", "rdna3", "valhall4"]
# Runs of a target from which the best is taken.
TRIALS = 3

# The second argument is where the result goes, so that its buffer is used again.
SOURCE = """
func.func @softmax(%x: {t}, %y: {t} {{iree.abi.output = 0 : index}}) -> {t} {{
  %empty = tensor.empty() : {t}
  %s = linalg.softmax dimension(1) ins(%x : {t}) outs(%empty : {t}) -> {t}
  return %s : {t}
}}
"""


class Iree(Peer):
    """`kernel`: buffers on the device, up to the fence. `end-to-end`: through a staging buffer each way. All of
    them are used again."""

    def __init__(self, adapter):
        import iree.compiler
        import iree.compiler.version
        import iree.runtime

        self.compiler, self.runtime = iree.compiler, iree.runtime
        self.version = iree.compiler.version.VERSION
        driver = iree.runtime.get_driver("vulkan")
        chosen = choose(driver.query_available_devices(), adapter)
        self.gpu = driver.create_device(chosen["device_id"])
        self.adapter = chosen["name"].strip()
        self.setting = (
            f"`linalg.softmax` at O3 into a reused result; the fastest right one of {len(TARGETS)} targets; end to end through staging"
        )

    def prepare(self, place, x):
        self.x, self.shape = x, x.shape
        runtime = self.runtime
        self.device_x = runtime.asdevicearray(self.gpu, x)
        self.device_y = runtime.asdevicearray(self.gpu, np.zeros_like(x))
        self.back = Staging(runtime, self.gpu, x.shape)
        kernel = self.fastest()
        if place == "end-to-end":
            there, y = Staging(runtime, self.gpu, x.shape), np.zeros_like(x)

            def call():
                np.copyto(there.array, x)
                there.copy_to(self.device_x)
                kernel()
                self.back.copy_from(self.device_y)
                np.copyto(y, self.back.array)

        else:
            call = kernel
        self.call = call

    def fastest(self):
        """The kernel of the fastest target whose results are right, the first one's where none is."""
        kernels = [kernel for target in TARGETS if (kernel := self.kernel(target))]
        right = [kernel for kernel in kernels if self.is_right(kernel)]
        return min(right, key=seconds, default=kernels[0])

    def kernel(self, target):
        """Softmax compiled for a target, or nothing where that cannot be; the first one's error is told."""
        runtime, (rows, cols) = self.runtime, self.shape
        arguments = ["--iree-opt-level=O3"] + [f"--iree-vulkan-target={target}"] * bool(target)
        source = SOURCE.format(t=f"tensor<{rows}x{cols}xf32>")
        try:
            code = self.compiler.compile_str(source, target_backends=["vulkan-spirv"], extra_args=arguments)
            context = runtime.SystemContext(config=runtime.Config(device=self.gpu))
            context.add_vm_module(runtime.VmModule.copy_buffer(context.instance, code))
            softmax = context.modules.module["softmax"]
            softmax(self.device_x, self.device_y)
        except Exception:
            if target:
                return None
            raise
        return lambda: softmax(self.device_x, self.device_y)

    def is_right(self, kernel):
        """Whether a kernel's results are within 1e-5 of numpy's."""
        kernel()
        with np.errstate(all="ignore"):
            e = np.exp(self.x - self.x.max(axis=1, keepdims=True, initial=-np.inf))
            e /= e.sum(axis=1, keepdims=True)
        return np.allclose(self.result(), e, rtol=0, atol=1e-5, equal_nan=True)

    def result(self):
        self.back.copy_from(self.device_y)
        return np.array(self.back.array)


class Staging:
    """Memory of the host that the device copies from and to."""

    def __init__(self, runtime, gpu, shape):
        self.runtime, self.gpu = runtime, gpu
        usage = runtime.BufferUsage
        self.buffer = gpu.allocator.allocate_buffer(
            memory_type=int(runtime.MemoryType.HOST_LOCAL | runtime.MemoryType.DEVICE_VISIBLE),
            allowed_usage=int(usage.TRANSFER | usage.MAPPING_SCOPED),
            allocation_size=4 * shape[0] * shape[1],
        )
        self.array = self.buffer.map().asarray(list(shape), np.dtype(np.float32))

    def copy_from(self, array):
        self.copy(array._buffer_view.get_buffer(), self.buffer)

    def copy_to(self, array):
        self.copy(self.buffer, array._buffer_view.get_buffer())

    def copy(self, source, target):
        fence, done = self.runtime.HalFence, self.gpu.create_semaphore(0)
        self.gpu.queue_copy(source, target, fence.create_at(done, 0), fence.create_at(done, 1))
        fence.create_at(done, 1).wait()


def choose(devices, adapter):
    """The device whose name holds `adapter`; else the first, hardware before software."""
    if not devices:
        raise RuntimeError("IREE's Vulkan driver sees no device")
    name = lambda device: device["name"].lower()
    named = [device for device in devices if adapter and adapter.lower() in name(device)]
    hardware = [device for device in devices if "llvmpipe" not in name(device)]
    return (named or hardware or devices)[0]


def seconds(kernel):
    times = []
    for _ in range(TRIALS):
        start = time.perf_counter()
        kernel()
        times.append(time.perf_counter() - start)
    return min(times)
