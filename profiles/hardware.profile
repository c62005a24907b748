wgpu-softmax profile 1
# GPUs with subgroups. Argued from static figures (docs/performance.md), not measured yet.
device hardware
subgroups some
cols 32 tile
cols 1024 subgroup
cols 4096 workgroup group=128
cols 16384 workgroup group=256
cols 131072 workgroup-loop
cols any split
