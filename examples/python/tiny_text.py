"""A few kilobytes of real text as tokens, and a model small enough for a laptop's processor."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

TEXT = (Path(__file__).parents[1] / "data" / "persuasion.txt").read_text(encoding="utf-8")[2000:40_000]
CHARACTERS = sorted(set(TEXT))
VOCABULARY = len(CHARACTERS)
TOKENS = torch.tensor([CHARACTERS.index(character) for character in TEXT])
CONTEXT = 32


class Excerpts(torch.utils.data.Dataset):
    """Pairs of CONTEXT characters and the same shifted by one."""

    def __len__(self) -> int:
        return (len(TOKENS) - 1) // CONTEXT

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        start = index * CONTEXT
        return TOKENS[start : start + CONTEXT], TOKENS[start + 1 : start + CONTEXT + 1]


class CharacterModel(nn.Module):
    """An embedding, one transformer block and a head: 30,000 parameters."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.wte = nn.Embedding(VOCABULARY, width)
        self.wpe = nn.Embedding(CONTEXT, width)
        self.block = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, VOCABULARY)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        length = tokens.shape[1]
        hidden = self.wte(tokens) + self.wpe(torch.arange(length, device=tokens.device))
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=tokens.device)
        return self.lm_head(self.ln_f(self.block(hidden, src_mask=mask, is_causal=True)))

    def loss(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(self(tokens).flatten(0, 1), targets.flatten())
