"""Softmax of rows in Triton: rows held in registers, rows walked over twice, rows split over
programs."""

import torch
import triton
import triton.language as tl

# The widest row that one program holds in registers: 128 elements for each of 1024 threads.
WIDEST_HELD = 131072
# Rows fewer than this leave a large GPU idle where each has one program.
FEW_ROWS = 512


@triton.jit
def held(x_ptr, y_ptr, rows, cols, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """A program holds ROWS whole rows: one read, one write."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    col = tl.arange(0, BLOCK)
    at = row[:, None] * cols + col[None, :]
    inside = (row[:, None] < rows) & (col[None, :] < cols)
    x = tl.load(x_ptr + at, mask=inside, other=float("-inf"))
    e = tl.exp(x - tl.max(x, axis=1)[:, None])
    tl.store(y_ptr + at, e / tl.sum(e, axis=1)[:, None], mask=inside)


@triton.jit
def online(x_ptr, begin, end, BLOCK: tl.constexpr):
    """Maximum, and sum of exponentials against it, of elements begin to end."""
    top = float("-inf")
    total = 0.0
    for at in range(begin, end, BLOCK):
        col = at + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + col, mask=col < end, other=float("-inf"))
        new = tl.maximum(top, tl.max(x, axis=0))
        # Where all is -inf so far, -inf - -inf must not become NaN.
        anchor = tl.where(new == float("-inf"), 0.0, new)
        total = total * tl.exp(top - anchor) + tl.sum(tl.exp(x - anchor), axis=0)
        top = new
    return top, total


@triton.jit
def write(x_ptr, y_ptr, begin, end, top, total, BLOCK: tl.constexpr):
    """Results of elements begin to end."""
    for at in range(begin, end, BLOCK):
        col = at + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + col, mask=col < end)
        tl.store(y_ptr + col, tl.exp(x - top) / total, mask=col < end)


@triton.jit
def looped(x_ptr, y_ptr, cols, BLOCK: tl.constexpr):
    """A program walks over one row twice."""
    row = tl.program_id(0).to(tl.int64) * cols
    top, total = online(x_ptr + row, 0, cols, BLOCK)
    write(x_ptr + row, y_ptr + row, 0, cols, top, total, BLOCK)


@triton.jit
def parts(x_ptr, part_ptr, cols, per_part, BLOCK: tl.constexpr):
    """A program takes one part of a row; pairs of maximum and sum go to part_ptr."""
    row, part = tl.program_id(0).to(tl.int64), tl.program_id(1)
    begin = part * per_part
    top, total = online(x_ptr + row * cols, begin, tl.minimum(begin + per_part, cols), BLOCK)
    at = part_ptr + (row * tl.num_programs(1) + part) * 2
    tl.store(at, top)
    tl.store(at + 1, total)


@triton.jit
def merge(x_ptr, y_ptr, part_ptr, cols, per_part, BLOCK: tl.constexpr, PARTS: tl.constexpr):
    """Every program merges all pairs of its row and writes its own part."""
    row, part = tl.program_id(0).to(tl.int64), tl.program_id(1)
    all_parts = tl.arange(0, PARTS)
    there = all_parts < tl.num_programs(1)
    at = part_ptr + (row * tl.num_programs(1) + all_parts) * 2
    tops = tl.load(at, mask=there, other=float("-inf"))
    top = tl.max(tops, axis=0)
    anchor = tl.where(top == float("-inf"), 0.0, top)
    total = tl.sum(tl.load(at + 1, mask=there, other=0.0) * tl.exp(tops - anchor), axis=0)
    begin = part * per_part
    write(x_ptr + row * cols, y_ptr + row * cols, begin, tl.minimum(begin + per_part, cols), top, total, BLOCK)


def variants(rows, cols):
    """Ways to compute a shape, for measurement to choose from: kernel, numbers, warps."""
    found = []
    block = triton.next_power_of_2(max(cols, 1))
    if block <= WIDEST_HELD:
        for elements in {max(block, 1 << n) for n in range(9, 15)}:
            warps = [w for w in (1, 2, 4, 8, 16, 32) if 4 <= elements // (32 * w) <= 128]
            found += [("held", elements // block, block, w) for w in warps]
    if cols >= 8192:
        found += [("looped", 0, b, b // 512) for b in (2048, 4096, 8192, 16384)]
    if cols >= 32768 and rows < FEW_ROWS:
        found += [("split", count, 4096, 8) for count in (16, 64, 256, 1024) if cols // count >= 4096]
    return sorted(found)


def launch(variant, x, y):
    """A function without arguments that computes y by a variant."""
    kernel, number, block, warps = variant
    rows, cols = x.shape
    if x.numel() == 0:
        return lambda: None
    if kernel == "held":
        grid = (triton.cdiv(rows, number),)
        return lambda: held[grid](x, y, rows, cols, number, block, num_warps=warps)
    if kernel == "looped":
        return lambda: looped[(rows,)](x, y, cols, block, num_warps=warps)
    pairs = torch.empty((rows, number, 2), device=x.device)
    # Whole blocks, so that a part begins where loads are aligned.
    per_part = triton.cdiv(triton.cdiv(cols, number), block) * block

    def both():
        parts[(rows, number)](x, pairs, cols, per_part, block, num_warps=warps)
        merge[(rows, number)](x, y, pairs, cols, per_part, block, number, num_warps=warps)

    return both
