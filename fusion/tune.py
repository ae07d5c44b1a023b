"""The sentence encoder's last layers, trained on to tell a shop's own labels apart.

The lower layers stay frozen: they are run once, and only what enters the last layers is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.text import TextEncoder, mean_pool
from fusion.types import DIM

LAYERS = 1
SEEN = 30_000  # sentences seen in a training, repeats counted; between the two bounds below
EPOCHS = (3, 12)
BATCH = 32
RATES = (5e-4, 2e-3)  # of the layers, of the head
SMOOTHING = 0.1  # of the labels: a mislabelled row must not be learnt by heart
SPREAD = 8.0  # the unit vector is stretched beside the maxima, which are of about this size

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class TunedLayers(nn.Module):
    """States entering the last layers -> one logit a label."""

    def __init__(self, encoder: TextEncoder, labels: int) -> None:
        super().__init__()
        self.layers = encoder.last_layers(LAYERS)
        self.head = nn.Linear(2 * DIM, labels)
        self.drop = nn.Dropout(0.1)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(batch, tokens, DIM) and which tokens are real (batch, tokens) -> (batch, labels)."""
        unseen = (1 - mask)[:, None, None, :] * -1e4
        for layer in self.layers:
            out = layer(states, attention_mask=unseen)
            states = out[0] if isinstance(out, tuple) else out
        highest = (states - (1 - mask[..., None]) * 1e4).amax(1)
        return self.head(self.drop(torch.cat([SPREAD * mean_pool(states, mask), highest], -1)))

    @torch.inference_mode()
    def probabilities(self, states: Sequence[Tensor]) -> np.ndarray:
        """(len(states), labels) float32, each row sums to 1."""
        self.eval()
        out = np.zeros((len(states), self.head.out_features), np.float32)
        order = np.argsort([len(one) for one in states])
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            out[rows] = self(*_padded([states[i] for i in rows])).softmax(-1).numpy()
        return out


def train_layers(
    encoder: TextEncoder,
    states: Sequence[Tensor],
    targets: np.ndarray,
    labels: int,
    seed: int,
    progress: Progress,
) -> TunedLayers:
    """Layers trained on `states` (as `TextEncoder.halfway` gives them) and `targets` (n,) ints."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = TunedLayers(encoder, labels).train()
        rng = np.random.default_rng(seed)
        epochs = int(np.clip(round(SEEN / len(states)), *EPOCHS))
        lengths = np.array([len(one) for one in states])
        order = [rows for _ in range(epochs) for rows in _batches(lengths, rng)]
        optimizer = torch.optim.AdamW(
            [
                {"params": net.layers.parameters(), "lr": RATES[0]},
                {"params": net.head.parameters(), "lr": RATES[1]},
            ]
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, list(RATES), total_steps=len(order) + 1, pct_start=0.1
        )
        for step, rows in enumerate(order):
            logits = net(*_padded([states[i] for i in rows]))
            wanted = torch.from_numpy(targets[rows])
            loss = F.cross_entropy(logits, wanted, label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            progress("training the last layers", step + 1, len(order))
    return net.eval()


def _padded(states: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    longest = max(len(one) for one in states)
    padded = torch.zeros(len(states), longest, DIM)
    mask = torch.zeros(len(states), longest)
    for row, one in enumerate(states):
        padded[row, : len(one)], mask[row, : len(one)] = one, 1.0
    return padded, mask


def _batches(lengths: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Every row once, in batches of about one length, so that little is spent on padding."""
    order = rng.permutation(len(lengths))
    for some in np.array_split(order, max(1, len(order) // (BATCH * 32))):
        some = some[np.argsort(lengths[some], kind="stable")]
        batches = np.array_split(some, -(-len(some) // BATCH))
        yield from (batches[i] for i in rng.permutation(len(batches)))
