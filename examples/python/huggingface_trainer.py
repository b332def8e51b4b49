"""Hugging Face Trainer on a tiny GPT-2: python examples/python/huggingface_trainer.py [STEPS]"""

from __future__ import annotations

import sys
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from spikescope.integrations.transformers import SpikescopeCallback
from tiny_text import CONTEXT, TOKENS, VOCABULARY


class Texts(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return len(TOKENS) // CONTEXT

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        tokens = TOKENS[index * CONTEXT : (index + 1) * CONTEXT]
        return {"input_ids": tokens, "labels": tokens}


steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100
torch.manual_seed(0)
model = GPT2LMHeadModel(
    GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=CONTEXT,
        n_embd=48,
        n_layer=2,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
    )
)
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=16,
        learning_rate=3e-3,
        adam_beta2=0.95,
        max_grad_norm=0.5,
        logging_steps=1,
        save_steps=50,
        report_to=[],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
    )
    callback = SpikescopeCallback(project="examples", name="Hugging Face Trainer")
    Trainer(model=model, args=arguments, train_dataset=Texts(), callbacks=[callback]).train()
