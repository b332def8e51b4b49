"""A decoder-only character transformer as in the paper, small enough to break on a laptop."""

from __future__ import annotations

import torch
from torch import nn

from tiny_text import CHARACTERS, TOKENS, VOCABULARY

CONTEXT = 64

__all__ = ["CHARACTERS", "CONTEXT", "SmallGpt", "fixed_batch"]


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(width)
        self.attn_qkv = nn.Linear(width, 3 * width, bias=False)
        self.attn_proj = nn.Linear(width, width, bias=False)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp_fc = nn.Linear(width, 4 * width, bias=False)
        self.mlp_proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        batch, length, width = hidden.shape
        qkv = self.attn_qkv(self.ln_1(hidden)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        hidden = hidden + self.attn_proj(mixed.transpose(1, 2).reshape(batch, length, width))
        return hidden + self.mlp_proj(torch.relu(self.mlp_fc(self.ln_2(hidden))))


class SmallGpt(nn.Module):
    """Pre-LN, learned positions, ReLU; the embedding is layer 0, as in the paper."""

    def __init__(self, depth: int = 8, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.wte = nn.Embedding(VOCABULARY, width)
        self.wpe = nn.Embedding(CONTEXT, width)
        self.h = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, VOCABULARY, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    def loss(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean cross entropy of tokens [batch, CONTEXT] against targets of the same shape."""
        hidden = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        for block in self.h:
            hidden = block(hidden)
        logits = self.lm_head(self.ln_f(hidden))
        return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def fixed_batch(size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Excerpts [size, CONTEXT] and the same shifted by one character."""
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(len(TOKENS) - CONTEXT - 1, (size,), generator=generator)
    rows = torch.stack([TOKENS[start : start + CONTEXT + 1] for start in starts])
    return rows[:, :-1], rows[:, 1:]
