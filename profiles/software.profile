wgpu-softmax profile 1
# Adapters that are programs on the CPU, with subgroups: barriers are dear, registers free.
device software
subgroups some
cols 128 thread
cols 2048 subgroup
cols 131072 subgroup-loop
cols any split
