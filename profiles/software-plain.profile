wgpu-softmax profile 1
# The same without subgroups.
device software
subgroups none
cols 128 thread
cols 16384 thread-loop
cols any split
