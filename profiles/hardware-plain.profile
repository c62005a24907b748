wgpu-softmax profile 1
# The same without subgroups.
device hardware
subgroups none
cols 32 tile
cols 4096 workgroup group=128
cols 16384 workgroup group=256
cols 131072 workgroup-loop
cols any split
