#!/usr/bin/env python3
"""Losses of an independent implementation: the LLaMA of experiments/models/llama.json in plain PyTorch.

    /usr/bin/python3 tests/reference/torch_reference.py [NAME ...]

writes tests/reference/recorded/NAME.json for adamw, poet_bs (micro and tiny), poet_fs, muon and galore (micro): METHOD_SIZE,
all where none is named. tests/experiments/right_numbers_test.cpp trains the same models from the same first weights on the same batches
and compares every loss. Needs PyTorch (Debian: python3-torch); says so and ends with 0 where it is missing.

Weights, batches and permutations are drawn by Philox4x32-10 keyed by (seed, stream, step), written out here again.
"""
import json
import math
import os
import sys

try:
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}; the recorded numbers stay as they are")
    sys.exit(0)

STEPS, SEED = 50, 3
SIZES = {  # depth, width, heads, kv_heads, ffn, vocab, seq, batch
    "micro": (2, 128, 4, 4, 320, 256, 128, 16),
    "tiny": (6, 256, 4, 4, 704, 4096, 256, 8),
}
CLIP, WARMUP, FLOOR, BETAS, EPSILON = 1.0, 10, 0.1, (0.9, 0.95), 1e-8
# At 1e-3 and above the tiny model's loss jumps once in these steps, and PyTorch's own losses then move by up to 1e-3 when its
# first weights change in their last bit; at 4e-4 they move by 1e-7, so that a comparison measures the implementations.
ADAMW_RATE, DECAY = {"micro": 3e-3, "tiny": 4e-4}, 0.1
POET_RATE, BASE_RATE, BLOCK, TERMS, MERGE_EVERY = 2e-3, 1e-3, 32, 3, 20
BUDGET = 0.5
MUON_RATE, MUON_MOMENTUM, NEWTON_SCHULZ = 0.02, 0.95, (3.4445, -4.7750, 2.0315)
GALORE_RATE, GALORE_RANK, GALORE_SCALE, REFRESH = 1e-2, 32, 0.25, 20
MASK = (1 << 64) - 1


# ---------------------------------------------------------------- random numbers
def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def stream_of(name):
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = ((h ^ c) * 0x100000001B3) & MASK
    return h


def words(seed, stream, step, blocks):
    """Two 64-bit words a block, [2 * blocks]."""
    key = mix(stream ^ mix(seed))
    low = np.uint64(0xFFFFFFFF)
    i = np.arange(blocks, dtype=np.uint64)
    c = [i & low, i >> np.uint64(32), np.full(blocks, step & 0xFFFFFFFF, np.uint64), np.full(blocks, step >> 32, np.uint64)]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & low, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c[0] | c[1] << np.uint64(32), c[2] | c[3] << np.uint64(32)], 1).reshape(-1)


def uniform(seed, name, step, n):
    return (words(seed, stream_of(name), step, (n + 1) // 2)[:n] >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(seed, name, n):
    u = uniform(seed, name, 0, n + n % 2).reshape(-1, 2)
    radius, angle = np.sqrt(-2.0 * np.log(1.0 - u[:, 0])), 2.0 * np.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:n]


def permutation(seed, name, step, n):
    bits = words(seed, stream_of(name), step, n // 2 + 1)
    order = list(range(n))
    for i in range(n, 1, -1):
        j = (int(bits[i]) * i) >> 64
        order[i - 1], order[j] = order[j], order[i - 1]
    return torch.tensor(order)


def batch(step, vocab, seq, rows):
    vocab = min(vocab, 64)  # so that fifty steps can learn it
    u = uniform(SEED, "reference tokens", step, rows * (seq + 1)).reshape(rows, seq + 1)
    x = np.zeros((rows, seq + 1), np.int64)
    x[:, 0] = np.floor(vocab * u[:, 0])
    for i in range(1, seq + 1):
        x[:, i] = (5 * x[:, i - 1] + 17 + np.floor(3 * u[:, i]).astype(np.int64)) % vocab
    return torch.from_numpy(x[:, :-1].copy()), torch.from_numpy(x[:, 1:].copy())


# ---------------------------------------------------------------- the model
class Llama:
    def __init__(self, depth, width, heads, kv_heads, ffn, vocab, seq, rows):
        self.depth, self.heads, self.kv, self.hd = depth, heads, kv_heads, width // heads
        self.vocab, self.seq, self.rows = vocab, seq, rows
        self.p = {}
        self.matrix("embed", vocab, width)
        for i in range(depth):
            b = f"layers.{i}."
            for name, out, inp in (("attn.q", width, width), ("attn.k", kv_heads * self.hd, width),
                                   ("attn.v", kv_heads * self.hd, width), ("attn.o", width, width),
                                   ("mlp.gate", ffn, width), ("mlp.up", ffn, width), ("mlp.down", width, ffn)):
                self.matrix(b + name, out, inp)
            for name in ("n1", "n2"):
                self.p[b + name + ".weight"] = torch.ones(width)
        self.p["norm.weight"] = torch.ones(width)
        self.matrix("head", vocab, width)
        angle = torch.outer(torch.arange(seq).double(), 10000.0 ** (-torch.arange(0, self.hd, 2).double() / self.hd))
        self.cos, self.sin = angle.cos().float(), angle.sin().float()
        self.mask = torch.full((seq, seq), float("-inf")).triu(1)

    def matrix(self, node, out, inp):
        name = node + ".weight"
        self.p[name] = torch.from_numpy((0.02 * normal(SEED, name, out * inp)).astype(np.float32).reshape(out, inp))

    def rope(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat((a * self.cos - b * self.sin, b * self.cos + a * self.sin), -1)

    @staticmethod
    def norm(x, w):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * w

    def loss(self, w, tokens, targets):
        B, S = tokens.shape
        x = w["embed.weight"][tokens]
        for i in range(self.depth):
            b = f"layers.{i}."
            h = self.norm(x, w[b + "n1.weight"])
            q, k, v = (h @ w[b + f"attn.{n}.weight"].T for n in "qkv")
            q = self.rope(q.view(B, S, self.heads, self.hd).transpose(1, 2))
            k = self.rope(k.view(B, S, self.kv, self.hd).transpose(1, 2))
            v = v.view(B, S, self.kv, self.hd).transpose(1, 2)
            k, v = (t.repeat_interleave(self.heads // self.kv, 1) for t in (k, v))
            a = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(self.hd) + self.mask, -1) @ v
            x = x + a.transpose(1, 2).reshape(B, S, -1) @ w[b + "attn.o.weight"].T
            h = self.norm(x, w[b + "n2.weight"])
            x = x + (torch.nn.functional.silu(h @ w[b + "mlp.gate.weight"].T) * (h @ w[b + "mlp.up.weight"].T)) @ w[b + "mlp.down.weight"].T
        logits = self.norm(x, w["norm.weight"]) @ w["head.weight"].T
        return torch.nn.functional.cross_entropy(logits.view(-1, self.vocab), targets.reshape(-1))


def cosine(peak, step):
    if step < WARMUP:
        return peak * (step + 1) / WARMUP
    p = (step - WARMUP) / (STEPS - 1 - WARMUP)
    return peak * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * p)) / 2)


def clip(parameters):
    norm = math.sqrt(sum(float(t.grad.double().pow(2).sum()) for t in parameters))
    if norm > CLIP:
        for t in parameters:
            t.grad.mul_(CLIP / norm)


# ---------------------------------------------------------------- AdamW
def adamw(size):
    model = Llama(*SIZES[size])
    for t in model.p.values():
        t.requires_grad_(True)
    matrices = [t for t in model.p.values() if t.dim() == 2]
    others = [t for t in model.p.values() if t.dim() != 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}],
                                  betas=BETAS, eps=EPSILON)
    losses = []
    for step in range(STEPS):
        loss = model.loss(model.p, *batch(step, model.vocab, model.seq, model.rows))
        optimizer.zero_grad()
        loss.backward()
        clip(matrices + others)
        for group in optimizer.param_groups:
            group["lr"] = cosine(ADAMW_RATE[size], step)
        optimizer.step()
        losses.append(loss.item())
    return losses


# ---------------------------------------------------------------- POET
def rotations(triangle, size):
    """[n, b(b-1)/2] -> the blocks (I + Q)(I + Q + ... + Q^k), [n, b, b]."""
    n = triangle.shape[0]
    row, col = torch.triu_indices(size, size, 1)
    q = torch.zeros(n, size, size).index_put((torch.arange(n)[:, None], row[None], col[None]), triangle)
    q = q - q.transpose(1, 2)
    eye = torch.eye(size).expand_as(q)
    series, power = eye, eye
    for _ in range(TERMS):
        power = power @ q
        series = series + power
    return (eye + q) @ series


class PoetWeight:
    """W = R W0 P with R and P permuted block diagonals."""

    def __init__(self, name, base):
        self.name, self.base, self.interval = name, base, 0
        m, n = base.shape
        self.left = torch.zeros(m // BLOCK, BLOCK * (BLOCK - 1) // 2, requires_grad=True)
        self.right = torch.zeros(n // BLOCK, BLOCK * (BLOCK - 1) // 2, requires_grad=True)
        self.draw()

    def draw(self):
        m, n = self.base.shape
        self.rows = permutation(SEED, self.name + "/left_index", self.interval, m)
        self.cols = permutation(SEED, self.name + "/right_index", self.interval, n)

    def weight(self):
        m, n = self.base.shape
        w = self.base[self.rows][:, self.cols]
        w = torch.bmm(rotations(self.left, BLOCK), w.view(m // BLOCK, BLOCK, n)).reshape(m, n)
        w = torch.einsum("mja,jac->mjc", w.view(m, n // BLOCK, BLOCK), rotations(self.right, BLOCK)).reshape(m, n)
        return w[torch.argsort(self.rows)][:, torch.argsort(self.cols)]

    def merge(self):
        with torch.no_grad():
            self.base = self.weight()
            self.left.zero_()
            self.right.zero_()
        self.interval += 1
        self.draw()


class FullPoetWeight:
    """W = R W0 P with R = I + D (G - I) D^T: one block over drawn rows, and one over drawn columns."""

    def __init__(self, name, base):
        self.name, self.base, self.interval = name, base, 0
        self.sizes = [round(BUDGET * extent) for extent in base.shape]
        self.left, self.right = (torch.zeros(1, b * (b - 1) // 2, requires_grad=True) for b in self.sizes)
        self.draw()

    def draw(self):
        self.rows, self.cols = (torch.sort(permutation(SEED, self.name + side, self.interval, extent)[:b])[0]
                                for side, extent, b in zip(("/left_index", "/right_index"), self.base.shape, self.sizes))

    def weight(self):
        w = self.base
        w = w.index_copy(0, self.rows, rotations(self.left, self.sizes[0])[0] @ w[self.rows])
        return w.index_copy(1, self.cols, w[:, self.cols] @ rotations(self.right, self.sizes[1])[0])

    merge = PoetWeight.merge


def poet(size, kind):
    model = Llama(*SIZES[size])
    poet = {n: kind(n, t) for n, t in model.p.items() if n.startswith("layers.") and t.dim() == 2}
    dense = {n: t.requires_grad_(True) for n, t in model.p.items() if n not in poet}
    coordinates = [c for p in poet.values() for c in (p.left, p.right)]
    optimizer = torch.optim.Adam([{"params": coordinates}, {"params": list(dense.values())}], betas=BETAS, eps=EPSILON)
    losses = []
    for step in range(STEPS):
        weights = dict(dense, **{n: p.weight() for n, p in poet.items()})
        loss = model.loss(weights, *batch(step, model.vocab, model.seq, model.rows))
        optimizer.zero_grad()
        loss.backward()
        clip(coordinates + list(dense.values()))
        optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"] = cosine(POET_RATE, step), cosine(BASE_RATE, step)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % MERGE_EVERY == 0:
            for p in poet.values():
                p.merge()
                for c in (p.left, p.right):
                    optimizer.state.pop(c, None)
    return losses


# ---------------------------------------------------------------- Muon and GaLore on the layers' matrices, Adam on the rest
def orthogonalized(g):
    a, b, c = NEWTON_SCHULZ
    x = g / g.norm()
    if x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(5):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if g.shape[0] > g.shape[1] else x


class Muon:
    """Nesterov momentum, orthogonalized, times sqrt(max(1, rows / columns)); decoupled decay."""
    rate = MUON_RATE

    def __init__(self, weight):
        self.u = torch.zeros_like(weight)

    def direction(self, weight, g):
        self.u = MUON_MOMENTUM * self.u + g
        o = orthogonalized(g + MUON_MOMENTUM * self.u)
        return o * math.sqrt(max(1.0, g.shape[0] / g.shape[1])) + DECAY * weight


class Galore:
    """Adam on the gradient's projection on its leading singular vectors of the shorter side."""
    rate = GALORE_RATE

    def __init__(self, weight):
        m, n = weight.shape
        self.t, self.wide = 0, m <= n
        self.m = torch.zeros(*((GALORE_RANK, n) if self.wide else (m, GALORE_RANK)))
        self.v = torch.zeros_like(self.m)
        self.p = torch.zeros(GALORE_RANK, min(m, n))

    def direction(self, weight, g):
        if self.t % REFRESH == 0:
            u, _, vt = torch.linalg.svd(g.double(), full_matrices=False)
            p = (u[:, :GALORE_RANK].T if self.wide else vt[:GALORE_RANK]).float()
            turned = (p * self.p).sum(1, keepdim=True) < 0  # a sign is free: each row goes on where the last one was
            self.p = torch.where(turned, -p, p)
        self.t += 1
        r = self.p @ g if self.wide else g @ self.p.T
        self.m = BETAS[0] * self.m + (1 - BETAS[0]) * r
        self.v = BETAS[1] * self.v + (1 - BETAS[1]) * r * r
        d = self.m / (1 - BETAS[0]**self.t) / ((self.v / (1 - BETAS[1]**self.t)).sqrt() + EPSILON)
        return GALORE_SCALE * (self.p.T @ d if self.wide else d @ self.p)


def on_matrices(size, kind):
    model = Llama(*SIZES[size])
    for t in model.p.values():
        t.requires_grad_(True)
    special = {n: kind(t) for n, t in model.p.items() if n.startswith("layers.") and t.dim() == 2}
    optimizer = torch.optim.Adam([t for n, t in model.p.items() if n not in special], betas=BETAS, eps=EPSILON)
    losses = []
    for step in range(STEPS):
        loss = model.loss(model.p, *batch(step, model.vocab, model.seq, model.rows))
        for t in model.p.values():
            t.grad = None
        loss.backward()
        clip(list(model.p.values()))
        optimizer.param_groups[0]["lr"] = cosine(BASE_RATE, step)
        optimizer.step()
        with torch.no_grad():
            for n, s in special.items():
                t = model.p[n]
                t -= cosine(kind.rate, step) * s.direction(t, t.grad)
        losses.append(loss.item())
    return losses


METHODS = {
    "adamw": adamw,
    "poet_bs": lambda size: poet(size, PoetWeight),
    "poet_fs": lambda size: poet(size, FullPoetWeight),
    "muon": lambda size: on_matrices(size, Muon),
    "galore": lambda size: on_matrices(size, Galore),
}
ALL = [m + "_" + s for m in ("adamw", "poet_bs") for s in SIZES] + [m + "_micro" for m in ("poet_fs", "muon", "galore")]


def main():
    torch.set_num_threads(2)
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorded")
    os.makedirs(folder, exist_ok=True)
    for name in sys.argv[1:] or ALL:
        method, size = name.rsplit("_", 1)
        losses = METHODS[method](size)
        record = {"made_by": "tests/reference/torch_reference.py", "torch": torch.__version__, "losses": losses}
        with open(os.path.join(folder, name + ".json"), "w") as out:
            json.dump(record, out, indent=1)
            out.write("\n")
        print(f"{name}: {losses[0]:.4f} -> {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
