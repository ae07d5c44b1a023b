"""The classical ways to fuse, to be compared with the fusion module and chosen instead of it.

Each one sees the frozen vectors only, takes `Inputs` and gives `Outputs` as `FusionModel` does, and
is trained by `fusion.train` with the same turns and losses. Two things are a model's own: what it
works out in closed form before (`fit`) and what it wants beside the common losses (`auxiliary`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.model import (
    INTENTS,
    MODEL,
    VIEWS,
    Attention,
    FusionModel,
    Inputs,
    Outputs,
    Wording,
    views,
)
from fusion.types import DIM, MODALITIES

BASELINES = ("concat", "autoencoder", "cca", "dcca", "attention", "late", "text", "photo")


def flat(seen: Tensor) -> Tensor:
    """Views (batch, n, DIM) side by side (batch, n * DIM), each number of variance about 1."""
    return seen.flatten(1) * DIM**0.5


class Baseline(nn.Module):
    """What all have in common: what calibration sets, the wording, the form of the outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.warmth: Tensor
        self.scope_shift: Tensor
        self.register_buffer("warmth", torch.ones(()))
        self.register_buffer("scope_shift", torch.zeros(()))
        self.wording = Wording()

    def fit(self, inputs: Inputs, targets: Tensor) -> None:
        """Work out what needs no training, from turns and their documents' vectors (n, DIM)."""

    def auxiliary(self, inputs: Inputs, outputs: Outputs) -> Tensor:
        """What this model's own loss adds to the common ones."""
        return outputs.vector.new_zeros(())

    def outputs(self, logits: Tensor, vector: Tensor, inputs: Inputs) -> Outputs:
        """`logits` (batch, len(INTENTS) + 1), the last of them out of scope; any `vector`."""
        logits = logits + self.wording(inputs)
        anything = inputs.present.any(1, keepdim=True)
        return Outputs(logits[:, :-1], logits[:, -1], F.normalize(vector, dim=-1) * anything)


Model = FusionModel | Baseline


class Single(Baseline):
    """One view alone, left where its encoder put it; a turn without it has a zero vector."""

    def __init__(self, view: int) -> None:
        super().__init__()
        self.view = view
        self.intent = nn.Linear(DIM, len(INTENTS) + 1)

    def forward(self, inputs: Inputs) -> Outputs:
        vector = views(inputs)[:, self.view]
        return self.outputs(self.intent(vector * DIM**0.5), vector, inputs)


class Late(Baseline):
    """Late fusion: every view is searched with by itself, the scores are added up with weights.

    A score is a cosine, linear in the view's vector, so adding scores is adding vectors.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(len(VIEWS)))  # logarithms: no view counts against
        self.intent = nn.Linear(DIM, len(INTENTS) + 1)

    def forward(self, inputs: Inputs) -> Outputs:
        seen = views(inputs)
        vector = (self.weights.exp()[:, None] * seen).sum(1)
        return self.outputs(self.intent(seen[:, 0] * DIM**0.5), vector, inputs)


class Concat(Baseline):
    """A layer for every view, their outputs side by side, one layer over all of them."""

    def __init__(self, width: int = 256, fused: int = 512) -> None:
        super().__init__()
        self.enter = nn.ModuleList(nn.Linear(DIM, width) for _ in VIEWS)
        self.fuse = nn.Linear(len(VIEWS) * width, fused)
        self.intent, self.retrieve = nn.Linear(fused, len(INTENTS) + 1), nn.Linear(fused, DIM)

    def forward(self, inputs: Inputs) -> Outputs:
        seen = views(inputs) * DIM**0.5
        entered = torch.cat([enter(seen[:, i]) for i, enter in enumerate(self.enter)], 1)
        fused = self.fuse(entered.relu()).relu()
        return self.outputs(self.intent(fused), self.retrieve(fused), inputs)


class Autoencoder(Baseline):
    """Multimodal autoencoder (Ngiam et al., 2011): one code from which every view is rebuilt.

    The code has to do so from each view alone too, which is what makes it shared.
    """

    def __init__(self, width: int = 256, code: int = 256) -> None:
        super().__init__()
        self.enter = nn.ModuleList(nn.Linear(DIM, width) for _ in VIEWS)
        self.encode = nn.Linear(len(VIEWS) * width, code)
        self.decode = nn.ModuleList(
            nn.Sequential(nn.Linear(code, width), nn.ReLU(), nn.Linear(width, DIM)) for _ in VIEWS
        )
        self.intent, self.retrieve = nn.Linear(code, len(INTENTS) + 1), nn.Linear(code, DIM)

    def code(self, seen: Tensor) -> Tensor:
        """Views (batch, n, DIM) -> code (batch, code)."""
        entered = [enter(seen[:, i] * DIM**0.5) for i, enter in enumerate(self.enter)]
        return self.encode(torch.cat(entered, 1).relu()).relu()

    def forward(self, inputs: Inputs) -> Outputs:
        code = self.code(views(inputs))
        return self.outputs(self.intent(code), self.retrieve(code), inputs)

    def auxiliary(self, inputs: Inputs, outputs: Outputs) -> Tensor:
        """Squared error of the views that are there, rebuilt from all of them and from each one."""
        seen = views(inputs)
        there = seen.abs().sum(-1) > 0  # (batch, n)
        total, rebuilt = seen.new_zeros(()), 0
        for shown in (torch.ones(len(VIEWS)), *torch.eye(len(VIEWS))):
            told = (there & (shown > 0)).any(1)  # turns of which something is shown at all
            code = self.code(seen * shown[:, None])
            for i, decode in enumerate(self.decode):
                judged = told & there[:, i]
                total = total + (decode(code[judged]).float() - seen[judged, i]).square().sum()
                rebuilt += int(judged.sum())
        return total / max(1, rebuilt)


class AttentionFusion(Baseline):
    """One layer of self-attention over the vectors of the modalities, averaged.

    What modality a vector is of is added to it; as in `FusionModel` one more token is always
    there, so that no row is empty.
    """

    def __init__(self, width: int = 256) -> None:
        super().__init__()
        self.enter = nn.Linear(DIM, width)
        self.modality = nn.Parameter(torch.randn(len(MODALITIES), width) * 0.02)
        self.nothing = nn.Parameter(torch.zeros(width))
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = Attention(width)
        self.intent, self.retrieve = nn.Linear(width, len(INTENTS) + 1), nn.Linear(width, DIM)

    def forward(self, inputs: Inputs) -> Outputs:
        tokens = self.enter(inputs.vectors * DIM**0.5) + self.modality
        tokens = torch.cat([self.nothing.expand(len(tokens), 1, -1), tokens], 1)
        tokens = tokens.expand(len(inputs.present), -1, -1)
        visible = torch.cat([inputs.present.new_ones(len(inputs.present), 1), inputs.present], 1)
        normed = self.before(tokens)
        tokens = self.after(tokens + self.attend(normed, normed, visible)) * visible[..., None]
        pooled = tokens.sum(1) / visible.sum(1, keepdim=True)
        return self.outputs(self.intent(pooled), self.retrieve(pooled), inputs)


def root_inverse(symmetric: Tensor) -> Tensor:
    """The inverse square root of a positive definite matrix."""
    values, axes = torch.linalg.eigh(symmetric)
    return (axes * values.rsqrt()) @ axes.T


class Cca(Baseline):
    """Canonical correlation analysis (Hotelling, 1936), with a ridge, between turn and document.

    The turn is projected on the directions best correlated with its target's vector; least squares
    lead from there back into the space of the documents. All in closed form; only the intents,
    linear in what the turn shows, are trained. Vectors are zero until `fit`.
    """

    def __init__(self, directions: int = 128, ridge: float = 0.1) -> None:
        """`ridge`: added to the covariances, as a part of their mean eigenvalue."""
        super().__init__()
        self.directions, self.ridge = directions, ridge
        wide = len(VIEWS) * DIM
        self.intent = nn.Linear(wide, len(INTENTS) + 1)
        self.turn_mean: Tensor
        self.document_mean: Tensor
        self.project: Tensor
        self.back: Tensor
        self.correlations: Tensor
        self.register_buffer("turn_mean", torch.zeros(wide))
        self.register_buffer("document_mean", torch.zeros(DIM))
        self.register_buffer("project", torch.zeros(wide, directions))
        self.register_buffer("back", torch.zeros(directions, DIM))
        self.register_buffer("correlations", torch.zeros(directions))

    @torch.no_grad()
    def fit(self, inputs: Inputs, targets: Tensor) -> None:
        """`targets` (n, DIM): the vector of the document that each turn is about."""
        turns, documents = flat(views(inputs)).double(), targets.double() * DIM**0.5
        self.turn_mean.copy_(turns.mean(0))
        self.document_mean.copy_(documents.mean(0))
        turns, documents = turns - turns.mean(0), documents - documents.mean(0)

        def whitening(centred: Tensor) -> Tensor:
            covariance = centred.T @ centred / len(centred)
            width = len(covariance)
            return root_inverse(
                covariance + self.ridge * covariance.trace() / width * torch.eye(width)
            )

        by_turn, by_document = whitening(turns), whitening(documents)
        cross = by_turn @ (turns.T @ documents / len(turns)) @ by_document
        left, correlations, _ = torch.linalg.svd(cross, full_matrices=False)
        project = by_turn @ left[:, : self.directions]
        variates = turns @ project
        ridge = self.ridge * len(turns) * torch.eye(self.directions)
        self.project.copy_(project)
        self.back.copy_(torch.linalg.solve(variates.T @ variates + ridge, variates.T @ documents))
        self.correlations.copy_(correlations[: self.directions])

    def forward(self, inputs: Inputs) -> Outputs:
        turns = flat(views(inputs))
        variates = (turns - self.turn_mean) @ self.project
        return self.outputs(self.intent(turns), self.document_mean + variates @ self.back, inputs)


def correlation(one: Tensor, other: Tensor, ridge: float = 1e-3) -> Tensor:
    """Sum of the canonical correlations of two views (n, k) and (n, k), for gradients.

    The singular values of the cross-covariance whitened by Cholesky factors are the same as with
    square roots, and the gradient of their sum does not divide by their differences.
    """
    # doubles: near-singular factors, and no autocast
    one, other = (v.double() - v.double().mean(0) for v in (one, other))
    factors = [
        torch.linalg.cholesky(v.T @ v / len(v) + ridge * torch.eye(v.shape[1]))
        for v in (one, other)
    ]
    half = torch.linalg.solve_triangular(factors[0], one.T @ other / len(one), upper=False)
    whole = torch.linalg.solve_triangular(factors[1], half.T, upper=False)
    return torch.linalg.matrix_norm(whole, "nuc").float()


class DeepCca(Baseline):
    """Deep canonical correlation analysis (Andrew et al., 2013): `Cca` with a net for each side.

    The nets learn by the correlation alone; a linear map back into the space of the documents and
    the intents are trained on top of them with the common losses.
    """

    PAIRS = 512  # a step: covariances of fewer are noise (Wang et al., 2015)

    def __init__(self, directions: int = 64, width: int = 512) -> None:
        super().__init__()
        wide = len(VIEWS) * DIM
        self.turn = nn.Sequential(
            nn.Linear(wide, width), nn.ReLU(), nn.Linear(width, directions), nn.Tanh()
        )
        self.document = nn.Sequential(
            nn.Linear(DIM, width), nn.ReLU(), nn.Linear(width, directions), nn.Tanh()
        )
        self.intent, self.back = nn.Linear(wide, len(INTENTS) + 1), nn.Linear(directions, DIM)
        self.pairs: tuple[Tensor, Tensor] | None = None  # only while training: never saved

    def fit(self, inputs: Inputs, targets: Tensor) -> None:
        """Keep the pairs that `auxiliary` draws from; `targets` (n, DIM) as of `Cca.fit`."""
        self.pairs = flat(views(inputs)), targets * DIM**0.5

    def auxiliary(self, inputs: Inputs, outputs: Outputs) -> Tensor:
        """1 - the mean correlation over pairs drawn from those of `fit`: a batch has too few."""
        if self.pairs is None:
            raise RuntimeError("DeepCca learns from turns and their documents: call `fit` first.")
        turns, documents = self.pairs
        drawn = torch.randint(len(turns), (self.PAIRS,))
        one, other = self.turn(turns[drawn]), self.document(documents[drawn])
        return 1 - correlation(one, other) / one.shape[1]

    def forward(self, inputs: Inputs) -> Outputs:
        turns = flat(views(inputs))
        return self.outputs(self.intent(turns), self.back(self.turn(turns).detach()), inputs)


def build(name: str) -> Model:
    """The untrained model called `name`: "ours" or one of BASELINES."""
    if name == "ours":
        return FusionModel()
    if name == "concat":
        return Concat()
    if name == "autoencoder":
        return Autoencoder()
    if name == "cca":
        return Cca()
    if name == "dcca":
        return DeepCca()
    if name == "attention":
        return AttentionFusion()
    if name == "late":
        return Late()
    if name == "text":
        return Single(VIEWS.index("words"))
    if name == "photo":
        return Single(VIEWS.index("photo"))
    raise ValueError(f"There is no model {name!r}: expected ours, {', '.join(BASELINES)}.")


def card_name(name: str) -> str:
    """What the card of the weights of model `name` says they are ("model")."""
    return MODEL if name == "ours" else f"baseline-{name}-1"
