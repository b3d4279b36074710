#!/usr/bin/env python3
"""An independent forward pass of an exported model: does it give the validation loss that its run recorded?

    isorbit export CELL --format safetensors --out FOLDER
    /usr/bin/python3 tests/reference/hugging_face_forward.py FOLDER CELL/run.h5 data/austen/valid.txt

Reads FOLDER/model.safetensors and config.json as Hugging Face's LLaMA and Qwen3 mean them, computes in
float64, and prints both losses and their relative difference. For runs on bytes ("tokenizer": "bytes") with
the corpus's own validation text. Needs python3-torch, python3-h5py, python3-numpy (install.sh --python).
"""
import argparse
import json
import math
import pathlib

import h5py
import numpy as np
import torch


def read_safetensors(path):
    """Tensors by name, as float64: a little-endian u64, that many bytes of JSON, and the numbers."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header, numbers = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = np.frombuffer(numbers[begin:end], dtype="<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.astype(np.float64))
    return tensors


class Llama:
    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = read_safetensors(folder / "model.safetensors")

    def norm(self, x, name):
        return self.weights[name] * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config["rms_norm_eps"])

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T

    def rotate(self, x, angles):
        first, second = x.chunk(2, -1)
        return x * angles.cos() + torch.cat((-second, first), -1) * angles.sin()

    def attention(self, x, layer, angles):
        batch, length, _ = x.shape
        heads, keys = self.config["num_attention_heads"], self.config["num_key_value_heads"]

        def split(part, count):
            made = self.linear(x, f"{layer}.self_attn.{part}_proj").view(batch, length, count, -1)
            name = f"{layer}.self_attn.{part}_norm.weight"
            return (self.norm(made, name) if name in self.weights else made).transpose(1, 2)

        q, k, v = split("q", heads), split("k", keys), split("v", keys)
        q, k = self.rotate(q, angles), self.rotate(k, angles)
        k, v = k.repeat_interleave(heads // keys, 1), v.repeat_interleave(heads // keys, 1)
        future = torch.full((length, length), -math.inf, dtype=torch.float64).triu(1)
        scores = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]) + future).softmax(-1)
        return self.linear((scores @ v).transpose(1, 2).reshape(batch, length, -1), f"{layer}.self_attn.o_proj")

    def logits(self, tokens):
        size = self.config["head_dim"]
        frequencies = self.config["rope_theta"] ** -(torch.arange(0, size, 2, dtype=torch.float64) / size)
        angles = torch.outer(torch.arange(tokens.shape[1], dtype=torch.float64), frequencies).repeat(1, 2)
        x = self.weights["model.embed_tokens.weight"][tokens]
        for i in range(self.config["num_hidden_layers"]):
            layer = f"model.layers.{i}"
            x = x + self.attention(self.norm(x, layer + ".input_layernorm.weight"), layer, angles)
            h = self.norm(x, layer + ".post_attention_layernorm.weight")
            gate = torch.nn.functional.silu(self.linear(h, layer + ".mlp.gate_proj"))
            x = x + self.linear(gate * self.linear(h, layer + ".mlp.up_proj"), layer + ".mlp.down_proj")
        head = "model.embed_tokens" if self.config.get("tie_word_embeddings") else "lm_head"
        return self.linear(self.norm(x, "model.norm.weight"), head)


def validation_windows(text, length, targets):
    """The windows that a run validates on: evenly spread, of `targets` targets together, rounded up."""
    windows = (len(text) - 1) // length
    used = min(-(-targets // length), windows)
    starts = [(k * (windows // used) + k * (windows % used) // used) * length for k in range(used)]
    return np.stack([text[s : s + length + 1] for s in starts])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="model.safetensors and config.json")
    parser.add_argument("run", type=pathlib.Path, help="run.h5 of the cell that was exported")
    parser.add_argument("text", type=pathlib.Path, help="the validation text of its corpus")
    given = parser.parse_args()
    with h5py.File(given.run) as run:
        config, recorded = json.loads(run["config"].asstr()[()]), float(run["valid/loss"][-1])
    if config["data"]["tokenizer"] != "bytes":
        parser.error(f"found tokenizer {json.dumps(config['data']['tokenizer'])}; expected \"bytes\"")
    model = Llama(given.folder)
    text = np.frombuffer(given.text.read_bytes(), dtype=np.uint8).astype(np.int64)
    windows = validation_windows(text, model.config["max_position_embeddings"], config["training"]["valid_targets"])
    total = 0.0
    with torch.no_grad():
        for at in range(0, len(windows), 16):
            some = torch.from_numpy(windows[at : at + 16])
            logits = model.logits(some[:, :-1])
            total += torch.nn.functional.cross_entropy(logits.flatten(0, 1), some[:, 1:].flatten(), reduction="sum").item()
    found = total / (windows.shape[0] * (windows.shape[1] - 1))
    print(f"recorded {recorded:.9f}, PyTorch in float64 {found:.9f}, relative difference {abs(recorded - found) / found:.1e}")


if __name__ == "__main__":
    main()
