"""The fusion module: what was said, shown and meant, from whatever modalities a turn has.

Intents are read from the modalities' vectors and from how words are spelt (fusion.pieces): words
decide intents, photos decide products (arXiv:2109.12913). For the retrieval vector a few latents
read the masked tokens of every modality (attention bottleneck, arXiv:2107.00135). It is anchored,

    z = norm(e + a d + U (s * (V d - W e))),   e = sum_m g_m e_m,   d = sum_t w_t x_t,

with e_m the frozen vectors of the modalities and x_t those of their tokens (words, patches), g and
w masked softmaxes; a number `a` and s in [0, 1]^TRAITS are read from the latents; a and U are 0
before training. The first two terms lie in the frozen space, so what is learnt is which words and
patches count. The third exchanges traits of what is there for those wished for ("this in green"
takes away what is blue), learnt on products of many kinds (fusion.imagined) lest it learn one shop
by heart. Where one modality stands alone there is nothing to fuse: its vector stays exactly where
its own encoder put it, before training and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.pieces import BUCKETS, pieces
from fusion.types import DIM, MODALITIES, Percept

MODEL = "fusion-3"
INTENTS = (
    "product_search",
    "product_question",
    "availability",
    "recommendation",
    "order_status",
    "cancel_order",
    "change_order",
    "return",
    "exchange",
    "refund",
    "damaged_item",
    "delivery",
    "payment",
    "invoice",
    "account",
    "complaint",
    "person",
    "greeting",
    "thanks",
)
TOKENS = {"text": 96, "voice": 96, "print": 48, "photo": 98, "history": 128}  # at most, each
QUALITIES = {
    "voice": ("voice_confidence", "no_speech"),
    "print": ("print_confidence",),
    "photo": ("sharpness",),
}
WORDS = tuple(MODALITIES.index(m) for m in ("text", "voice"))
HEADS = 4
STRETCH = 5.0  # of the unit vector of pieces: each is only one of about a hundred
TRAITS = 128  # directions in the shared space along which a wish may change what is shown


@dataclass(frozen=True, slots=True)
class Inputs:
    """A batch of percepts as tensors. M = len(MODALITIES), in that order."""

    tokens: Tensor  # (batch, tokens, DIM)
    kinds: Tensor  # (batch, tokens) index of the modality each token is of; -1 is padding
    places: Tensor  # (batch, tokens) position of the token within its modality
    vectors: Tensor  # (batch, M, DIM), zeros where absent
    present: Tensor  # (batch, M) bool
    quality: Tensor  # (batch, M, 2), zeros where there is no figure
    wording: Tensor  # (batch, len(WORDS), BUCKETS) of typed and spoken words (fusion.pieces)

    def masked(self, present: Tensor) -> Inputs:
        """One percept as a batch of coalitions: `present` (n, M) bool.

        The rest keeps its one row, so that what all of them share is worked out once.
        """
        return replace(self, present=present & self.present)


def collate(percepts: Sequence[Percept]) -> Inputs:
    """Percepts of any modalities -> one padded batch."""
    rows = [
        [
            (i, states.tokens[: TOKENS[m]])
            for i, m in enumerate(MODALITIES)
            if (states := p.encoded.get(m))
        ]
        for p in percepts
    ]
    batch, length = len(rows), max((sum(len(t) for _, t in row) for row in rows), default=0)
    tokens = np.zeros((batch, length, DIM), np.float32)
    kinds = np.full((batch, length), -1)
    places = np.zeros((batch, length), int)
    vectors = np.zeros((batch, len(MODALITIES), DIM), np.float32)
    quality = np.zeros((batch, len(MODALITIES), 2), np.float32)
    wording = np.zeros((batch, len(WORDS), BUCKETS), np.float32)
    for b, (percept, row) in enumerate(zip(percepts, rows, strict=True)):
        at = 0
        for i, part in row:
            end = at + len(part)
            tokens[b, at:end], kinds[b, at:end], places[b, at:end] = part, i, np.arange(len(part))
            at = end
        for i, modality in enumerate(MODALITIES):
            if modality in percept.encoded:
                vectors[b, i] = percept.encoded[modality].vector
                for j, figure in enumerate(QUALITIES.get(modality, ())):
                    quality[b, i, j] = percept.quality.get(figure, 0.0)
        for i, words in enumerate((percept.typed, percept.heard)):
            wording[b, i] = pieces(words)
    return Inputs(
        torch.from_numpy(tokens),
        torch.from_numpy(kinds),
        torch.from_numpy(places),
        torch.from_numpy(vectors),
        torch.from_numpy(np.abs(vectors).sum(-1) > 0),
        torch.from_numpy(quality),
        torch.from_numpy(wording),
    )


@dataclass(frozen=True, slots=True)
class Outputs:
    intents: Tensor  # (batch, len(INTENTS)) logits
    out_of_scope: Tensor  # (batch,) logit
    vector: Tensor  # (batch, DIM) unit norm; zeros where nothing is present


VIEWS = ("words", "print", "photo", "history")
"""The modalities as intents are read from them: typed and spoken words are one view."""


def views(inputs: Inputs) -> Tensor:
    """(batch, len(VIEWS), DIM): unit norm, zeros where absent."""
    seen = inputs.vectors * inputs.present[..., None]
    words = F.normalize(seen[:, WORDS].sum(1), dim=-1)
    return torch.stack([words, *(seen[:, MODALITIES.index(m)] for m in MODALITIES[2:])], 1)


class Intents(nn.Module):
    """Logits of the intents from the views' vectors and from how the words are spelt.

    Not from the latents: on held-out sentences they made intents worse than words alone.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.ModuleList(nn.Linear(DIM, width) for _ in VIEWS)
        self.fuse = nn.Linear(len(VIEWS) * width, 2 * width)
        self.leave = nn.Linear(2 * width, len(INTENTS) + 1)
        self.dropout = nn.Dropout(dropout)
        self.wording = Wording()

    def forward(self, inputs: Inputs) -> Tensor:
        """(batch, len(INTENTS) + 1), the last of them out of scope."""
        seen = views(inputs) * DIM**0.5
        entered = torch.cat([enter(seen[:, i]) for i, enter in enumerate(self.enter)], 1)
        fused = self.fuse(self.dropout(entered.relu())).relu()
        return self.leave(self.dropout(fused)) + self.wording(inputs)


class Wording(nn.Module):
    """What the pieces of typed and spoken words add to the intents' logits; nothing at first."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Linear(BUCKETS, len(INTENTS) + 1, bias=False)
        nn.init.zeros_(self.weigh.weight)

    def forward(self, inputs: Inputs) -> Tensor:
        """(batch, len(INTENTS) + 1)."""
        said = (inputs.wording * inputs.present[:, WORDS, None]).sum(1)
        return self.weigh(said * STRETCH)


class Attention(nn.Module):
    """Latents (batch, latents, width) read from tokens (batch or 1, tokens, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, latents: Tensor, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        b, n, width = latents.shape

        def heads(x: Tensor) -> Tensor:
            return x.unflatten(-1, (HEADS, -1)).transpose(1, 2).expand(b, -1, -1, -1)

        key, value = self.key_value(tokens).chunk(2, -1)
        mask = None if visible is None else visible[:, None, None, :]
        read = F.scaled_dot_product_attention(
            heads(self.query(latents)), heads(key), heads(value), mask
        )
        return self.out(read.transpose(1, 2).reshape(b, n, width))


class Layer(nn.Module):
    """Look at the tokens, talk among the latents, think."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.look, self.talk = Attention(width), Attention(width)
        self.think = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, latents: Tensor, tokens: Tensor, visible: Tensor) -> Tensor:
        latents = latents + self.dropout(self.look(self.norms[0](latents), tokens, visible))
        normed = self.norms[1](latents)
        latents = latents + self.dropout(self.talk(normed, normed))
        return latents + self.dropout(self.think(self.norms[2](latents)))


class FusionModel(nn.Module):
    def __init__(
        self, width: int = 256, latents: int = 8, layers: int = 3, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.enter_words, self.enter_photo = nn.Linear(DIM, width), nn.Linear(DIM, width)
        self.modality = nn.Parameter(torch.randn(len(MODALITIES), width) * 0.02)
        self.place = nn.Parameter(torch.randn(max(TOKENS.values()), width) * 0.02)
        self.whole = nn.Parameter(torch.randn(width) * 0.02)  # in place of a place
        self.quality = nn.Linear(2, width)
        self.nothing = nn.Parameter(torch.zeros(width))  # always visible, so that no row is empty
        self.latents = nn.Parameter(torch.randn(latents, width) * 0.02)
        self.enter_norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(Layer(width, dropout) for _ in range(layers))
        self.leave_norm = nn.LayerNorm(width)
        self.retrieval_pool = nn.Linear(width, 1)
        self.intents = Intents(width, dropout)
        self.gate = nn.Linear(width, len(MODALITIES))
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)
        self.pick = nn.Linear(width, width)
        self.alpha = nn.Linear(width, 1)
        nn.init.zeros_(self.alpha.weight)
        nn.init.zeros_(self.alpha.bias)
        self.wish, self.shown = (nn.Linear(DIM, TRAITS, bias=False) for _ in range(2))
        self.traits = nn.Linear(width, TRAITS)
        self.exchange = nn.Linear(TRAITS, DIM, bias=False)
        nn.init.zeros_(self.exchange.weight)
        # set after training, on held-out turns (fusion.train.calibrate)
        self.warmth: Tensor
        self.scope_shift: Tensor
        self.register_buffer("warmth", torch.ones(()))
        self.register_buffer("scope_shift", torch.zeros(()))

    def forward(self, inputs: Inputs) -> Outputs:
        n, kinds = len(inputs.present), inputs.kinds.clamp(min=0)
        visible = (inputs.kinds >= 0) & inputs.present.gather(1, kinds.expand(n, -1))
        photo = (inputs.kinds == MODALITIES.index("photo"))[..., None]
        unit = F.normalize(inputs.tokens, dim=-1) * DIM**0.5
        tokens = torch.where(photo, self.enter_photo(unit), self.enter_words(unit))
        context = self.modality + self.quality(inputs.quality)  # (batch, M, width)
        tokens = tokens + context.gather(1, kinds[..., None].expand(-1, -1, context.shape[-1]))
        tokens = self.enter_norm(tokens + F.embedding(inputs.places, self.place))
        width = tokens.shape[-1]
        wholes = torch.where(
            torch.tensor([m == "photo" for m in MODALITIES])[:, None],
            self.enter_photo(inputs.vectors * DIM**0.5),
            self.enter_words(inputs.vectors * DIM**0.5),
        )
        wholes = self.enter_norm(wholes + context + self.whole)
        seen = torch.cat([tokens, wholes, self.nothing.expand(len(tokens), 1, -1)], 1)
        seeing = torch.cat([visible, inputs.present, visible.new_ones(n, 1)], 1)

        latents = self.latents.expand(n, -1, -1)
        for layer in self.layers:
            latents = layer(latents, seen, seeing)
        latents = self.leave_norm(latents)
        anchors = inputs.vectors * inputs.present[..., None]
        for_retrieval = (self.retrieval_pool(latents).softmax(1) * latents).sum(1)
        gate = self.gate(for_retrieval).masked_fill(~inputs.present, -1e4).softmax(-1)
        anchored = (gate[..., None] * anchors).sum(1)
        picked = (tokens @ self.pick(for_retrieval)[..., None])[..., 0] / width**0.5
        weight = picked.masked_fill(~visible, -1e4).softmax(-1) * visible
        detail = (weight[:, None] @ F.normalize(inputs.tokens, dim=-1))[:, 0]
        traits = self.traits(for_retrieval).sigmoid() * (self.wish(detail) - self.shown(anchored))
        count = inputs.present.sum(1, keepdim=True)
        learnt = self.alpha(for_retrieval) * detail + self.exchange(traits)
        vector = self.combine(anchored, learnt, count)
        logits = self.intents(inputs)
        return Outputs(logits[:, :-1], logits[:, -1], vector)

    def combine(self, anchored: Tensor, fused: Tensor, count: Tensor) -> Tensor:
        """The vector (batch, DIM), from what is anchored, what is learnt, and how many are there.

        `count` (batch, 1): modalities present. Of one alone the encoder's own vector is kept.
        """
        return F.normalize(anchored + (count > 1) * fused, dim=-1) * (count > 0)
