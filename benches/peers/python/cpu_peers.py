"""Softmax over the last axis on the CPU, each library at its best and into a reused result where it
can."""

import os


class Peer:
    """`prepare` makes `call`, which takes no argument; `result` gives what it computed last."""

    call = y = None
    # The adapter's name, of those that choose one.
    adapter = ""

    def device_nanoseconds(self):
        return None

    def result(self):
        return self.y


class Numpy(Peer):
    setting = "subtract, exp, divide, each with `out=`; one thread, whatever is asked"

    def __init__(self, _threads):
        import numpy

        self.np, self.version = numpy, numpy.__version__

    def prepare(self, _place, x):
        np, y = self.np, self.np.empty_like(x)
        # All pages are there before the first run.
        y.fill(0)

        def call():
            np.subtract(x, x.max(axis=1, keepdims=True), out=y)
            np.exp(y, out=y)
            np.divide(y, y.sum(axis=1, keepdims=True), out=y)

        self.call, self.y = call, y
        # Warnings about infinities are no part of the work.
        np.seterr(all="ignore")


class Torch(Peer):
    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.torch, self.version = torch, torch.__version__
        self.setting = f"`torch.softmax(x, dim=1, out=y)`, `set_num_threads({threads})`"

    def prepare(self, _place, x):
        torch = self.torch
        x = torch.from_numpy(x)
        y = torch.zeros_like(x)
        self.call = lambda: torch.softmax(x, dim=1, out=y)
        self.y = y

    def result(self):
        return self.y.numpy()


class OnnxRuntime(Peer):
    def __init__(self, threads):
        import onnx
        import onnxruntime

        self.onnx, self.ort, self.threads = onnx, onnxruntime, threads
        self.version = onnxruntime.__version__
        self.setting = f"one Softmax node, input and output bound, `intra_op_num_threads={threads}`, no spinning after a run"

    def prepare(self, _place, x):
        onnx, ort = self.onnx, self.ort
        ends = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, x.shape) for n in "xy"]
        node = onnx.helper.make_node("Softmax", ["x"], ["y"], axis=1)
        graph = onnx.helper.make_graph([node], "softmax", ends[:1], ends[1:])
        opset = [onnx.helper.make_opsetid("", 13)]
        model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        # Its threads would take the next contestant's cores.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.y = ort.OrtValue.ortvalue_from_numpy(x * 0)
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(x))
        binding.bind_ortvalue_output("y", self.y)
        self.call = lambda: session.run_with_iobinding(binding)

    def result(self):
        return self.y.numpy()


class Jax(Peer):
    setting = "`jit(nn.softmax)`, the result donated back, so that its buffer is used again"

    def __init__(self, threads):
        os.environ["JAX_PLATFORMS"] = "cpu"
        if threads == 1:
            os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        import jax

        self.jax, self.version = jax, jax.__version__

    def prepare(self, _place, x):
        jax = self.jax
        softmax = jax.jit(lambda x, _: jax.nn.softmax(x, axis=1), donate_argnums=1, keep_unused=True)
        self.y = jax.block_until_ready(jax.numpy.zeros_like(x))
        x = jax.block_until_ready(jax.device_put(x))

        def call():
            self.y = jax.block_until_ready(softmax(x, self.y))

        self.call = call


PEERS = {"numpy": Numpy, "torch": Torch, "onnxruntime": OnnxRuntime, "jax": Jax}
