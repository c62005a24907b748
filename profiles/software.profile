wgpu-softmax profile 1
# Adapters that are programs on the CPU, with subgroups: barriers are dear, registers free.
# Measured on llvmpipe, Vulkan, 8 lanes (docs/performance-gpu.md).
device software
subgroups some
cols 96 thread unaligned
cols 128 thread aligned
cols 2048 subgroup
cols 131072 subgroup-loop rewrite=no
cols any split
