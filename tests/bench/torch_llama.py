#!/usr/bin/python3
"""The same LLaMA training step in plain PyTorch on the CPU: what `isorbit bench` is compared with.

  torch_llama.py --size tiny --threads 2 --dtype f32 --optimizer adamw --steps 15

prints one JSON object on one line. Random tokens and random weights; no files needed. PyTorch 1.13 or newer.

Optimizers
  adamw        dense AdamW on every parameter
  poet         POET-BS, weight side: each step builds W = R W0 P, then a usual linear layer
  poet-input   POET-BS, input side: x -> P -> W0 -> R
R and P are permuted block-diagonal orthogonal matrices, (I+Q)(I+Q+Q^2+Q^3) per block with Q skew-symmetric, on the
matrices of attention and MLP; embedding, norms and head stay with AdamW.
"""
import argparse
import json
import math
import os
import resource
import statistics
import time

SIZES = {  # layers, width, heads, ffn width, vocabulary, sequence, batch
    "micro": (2, 128, 4, 320, 256, 128, 16),
    "tiny": (6, 256, 4, 704, 4096, 256, 8),
    "small": (8, 512, 8, 1280, 32000, 256, 8),
}

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--size", choices=SIZES, default="tiny")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--dtype", choices=("f32", "bf16"), default="f32", help="bf16: CPU autocast")
parser.add_argument("--optimizer", choices=("adamw", "poet", "poet-input"), default="adamw")
parser.add_argument("--block", type=int, default=64, help="POET block size")
parser.add_argument("--merge-every", type=int, default=100)
parser.add_argument("--steps", type=int, default=20, help="timed steps")
parser.add_argument("--warmup", type=int, default=3)
parser.add_argument("--overfit", action="store_true", help="one fixed batch: a check that the loss falls")
ARGS = parser.parse_args()
# Both thread pools read these when they are loaded, so they must be set before the import.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(ARGS.threads)

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402


class RMSNorm(nn.Module):
    def __init__(self, width, epsilon=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


def rope(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, width, bias=False)
        self.v = nn.Linear(width, width, bias=False)
        self.o = nn.Linear(width, width, bias=False)

    def forward(self, x, cos, sin, mask):
        batch, seq, width = x.shape
        q, k, v = (f(x).view(batch, seq, self.heads, self.head_width).transpose(1, 2) for f in (self.q, self.k, self.v))
        q, k = rope(q, cos, sin), rope(k, cos, sin)
        scores = (q * (1.0 / math.sqrt(self.head_width))) @ k.transpose(-2, -1) + mask
        y = F.softmax(scores, -1) @ v
        return self.o(y.transpose(1, 2).reshape(batch, seq, width))


class MLP(nn.Module):
    def __init__(self, width, ffn):
        super().__init__()
        self.gate = nn.Linear(width, ffn, bias=False)
        self.up = nn.Linear(width, ffn, bias=False)
        self.down = nn.Linear(ffn, width, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    def __init__(self, width, heads, ffn):
        super().__init__()
        self.n1, self.attention = RMSNorm(width), Attention(width, heads)
        self.n2, self.mlp = RMSNorm(width), MLP(width, ffn)

    def forward(self, x, cos, sin, mask):
        x = x + self.attention(self.n1(x), cos, sin, mask)
        return x + self.mlp(self.n2(x))


class Llama(nn.Module):
    def __init__(self, layers, width, heads, ffn, vocab, seq):
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.blocks = nn.ModuleList(Block(width, heads, ffn) for _ in range(layers))
        self.norm = RMSNorm(width)
        self.head = nn.Linear(width, vocab, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        angle = torch.outer(torch.arange(seq).float(), 10000.0 ** (-torch.arange(0, width // heads, 2).float() / (width // heads)))
        angle = torch.cat((angle, angle), -1)
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())
        self.register_buffer("mask", torch.full((seq, seq), float("-inf")).triu(1))

    def forward(self, tokens, targets):
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin, self.mask)
        logits = self.head(self.norm(x))
        return F.cross_entropy(logits.float().view(-1, logits.shape[-1]), targets.view(-1))


class Permute(torch.autograd.Function):
    """x[..., p] along one dimension; the backward is the inverse gather instead of an index_add."""

    @staticmethod
    def forward(ctx, x, dim, p, p_inv):
        ctx.save_for_backward(p_inv)
        ctx.dim = dim
        return x.index_select(dim, p)

    @staticmethod
    def backward(ctx, g):
        return g.index_select(ctx.dim, ctx.saved_tensors[0]), None, None, None


class Rotation(nn.Module):
    """n / b blocks of b x b, each (I+Q)(I+Q+Q^2+Q^3) = I + 2Q + Q^2 (2I + 2Q + Q^2), Q skew-symmetric."""

    def __init__(self, n, b):
        super().__init__()
        self.count, self.b = n // b, b
        self.q = nn.Parameter(torch.zeros(self.count, b * (b - 1) // 2))
        above = torch.triu_indices(b, b, 1)
        self.register_buffer("flat", above[0] * b + above[1])

    def forward(self):
        z = self.q.new_zeros(self.count, self.b * self.b).index_copy(1, self.flat, self.q)
        z = z.view(self.count, self.b, self.b)
        q = z - z.transpose(1, 2)
        q2 = q @ q
        inner = q2 + 2 * q
        eye = torch.eye(self.b)
        return eye + 2 * q + q2 @ (inner + 2 * eye)


class PoetLinear(nn.Module):
    """y = perm_out( R( W0( P( perm_in(x))))): W0 is stored in the permuted basis."""

    def __init__(self, linear, block, side):
        super().__init__()
        w = linear.weight.detach()
        self.m, self.n = w.shape
        self.side = side
        self.rin, self.rout = Rotation(self.n, block), Rotation(self.m, block)
        self.register_buffer("w0", torch.empty_like(w))
        self.set_weight(w / w.norm(dim=1, keepdim=True))

    def set_weight(self, w):
        pi, po = torch.randperm(self.n), torch.randperm(self.m)
        for name, p in (("pi", pi), ("po", po)):
            self.register_buffer(name, p)
            self.register_buffer(name + "_inv", torch.argsort(p))
        self.w0.copy_(w[self.po_inv][:, self.pi_inv])

    def weight(self):
        R, P = self.rout(), self.rin()
        w = torch.bmm(R, self.w0.view(self.rout.count, self.rout.b, self.n)).view(self.m, self.n)
        w = torch.bmm(w.view(self.m, self.rin.count, self.rin.b).transpose(0, 1), P)
        w = w.transpose(0, 1).reshape(self.m, self.n)
        return Permute.apply(Permute.apply(w, 0, self.po, self.po_inv), 1, self.pi, self.pi_inv)

    def forward(self, x):
        if self.side == "weight":
            return F.linear(x, self.weight())
        R, P = self.rout(), self.rin()
        lead = x.shape[:-1]
        x = Permute.apply(x.reshape(-1, self.n), 1, self.pi_inv, self.pi)
        x = torch.bmm(x.view(-1, self.rin.count, self.rin.b).transpose(0, 1), P.transpose(1, 2))
        y = F.linear(x.transpose(0, 1).reshape(-1, self.n), self.w0)
        y = torch.bmm(y.view(-1, self.rout.count, self.rout.b).transpose(0, 1), R.transpose(1, 2))
        y = y.transpose(0, 1).reshape(-1, self.m)
        return Permute.apply(y, 1, self.po, self.po_inv).view(*lead, self.m)

    @torch.no_grad()
    def merge(self):
        self.set_weight(self.weight())
        self.rin.q.zero_()
        self.rout.q.zero_()


def to_poet(module, block, side):
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            if name != "head" and all(extent % block == 0 for extent in child.weight.shape):
                setattr(module, name, PoetLinear(child, block, side))
        else:
            to_poet(child, block, side)


class Trainer:
    def __init__(self):
        torch.manual_seed(1)
        layers, width, heads, ffn, self.vocab, self.seq, self.batch = SIZES[ARGS.size]
        self.model = Llama(layers, width, heads, ffn, self.vocab, self.seq)
        if ARGS.optimizer != "adamw":
            to_poet(self.model, ARGS.block, "weight" if ARGS.optimizer == "poet" else "input")
        rotations = [p for n, p in self.model.named_parameters() if n.endswith(".q")]
        ids = {id(p) for p in rotations}
        groups = [dict(params=[p for p in self.model.parameters() if id(p) not in ids])]
        if rotations:
            groups.append(dict(params=rotations, lr=2.5e-4, weight_decay=0.0))
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
        self.generator = torch.Generator().manual_seed(7)
        self.held = None
        self.losses = []

    def data(self):
        if self.held is None or not ARGS.overfit:
            t = torch.randint(0, self.vocab, (self.batch, self.seq + 1), generator=self.generator)
            self.held = (t[:, :-1].contiguous(), t[:, 1:].contiguous())
        return self.held

    def step(self):
        """Milliseconds: all, forward, backward, optimizer."""
        x, y = self.data()
        t0 = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=ARGS.dtype == "bf16"):
            loss = self.model(x, y)
        t1 = time.perf_counter()
        loss.backward()
        t2 = time.perf_counter()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        t3 = time.perf_counter()
        self.losses.append(loss.item())
        return [1e3 * t for t in (t3 - t0, t1 - t0, t2 - t1, t3 - t2)]

    def merge(self):
        """Milliseconds of one merge."""
        start = time.perf_counter()
        for module in self.model.modules():
            if isinstance(module, PoetLinear):
                module.merge()
        for group in self.optimizer.param_groups[1:]:  # moments restart with the coordinates
            for parameter in group["params"]:
                self.optimizer.state.pop(parameter, None)
        return 1e3 * (time.perf_counter() - start)


def main():
    torch.set_num_threads(ARGS.threads)
    trainer = Trainer()
    for _ in range(ARGS.warmup):
        trainer.step()
    times = [trainer.step() for _ in range(ARGS.steps)]
    ms, forward, backward, update = (statistics.median(column) for column in zip(*times))
    merge = trainer.merge() if ARGS.optimizer != "adamw" else 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(dict(
        peer="torch", torch=torch.__version__, size=ARGS.size, optimizer=ARGS.optimizer, block=ARGS.block,
        dtype=ARGS.dtype, threads=torch.get_num_threads(), ms=ms, step_ms=[t[0] for t in times],
        tokens_per_second=trainer.batch * trainer.seq / ms * 1e3, forward_ms=forward, backward_ms=backward,
        update_ms=update, events_ms=merge / ARGS.merge_every, peak_bytes=peak, first_loss=trainer.losses[0],
        last_loss=trainer.losses[-1])))


if __name__ == "__main__":
    main()
