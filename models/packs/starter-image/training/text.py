"""The text encoder: a small transformer that reads a prompt into slots (what, in which colour) and a setting.

`last_hidden_state` is `[B, L, 128] float32`, zero after the end token; `pooler_output` is `[B, 128]`."""
import torch
from torch import nn
from torch.nn import functional as F

from objects import COLOUR_NAMES, THINGS
from scenes import PLACES, RELATIONS, TIMES, WEATHERS

WIDTH, HEADS, LAYERS = 128, 4, 3


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(3 * WIDTH, WIDTH)

    def forward(self, x, bias):
        b, n, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, n, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + bias).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(b, n, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class TextEncoder(nn.Module):
    def __init__(self, vocabulary, length):
        super().__init__()
        self.end = vocabulary - 1
        self.token = nn.Embedding(vocabulary, WIDTH)
        self.position = nn.Parameter(torch.randn(length, WIDTH) * 0.02)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        nn.init.normal_(self.token.weight, std=0.05)

    def forward(self, input_ids):
        ended = (input_ids == self.end).long()
        live = (ended.cumsum(1) - ended == 0).float()  # up to and including the first end token
        bias = (live[:, None, None] - 1) * 1e4
        x = self.token(input_ids) + self.position[:input_ids.shape[1]]
        for layer in self.layers:
            x = layer(x, bias)
        x = self.norm(x) * live[..., None]
        return x, x[:, 0]


class Reader(nn.Module):
    """Looks two objects and the setting up in the text's states; lives in the denoiser's graph.

    Returns thing weights `[B, 2, N + 1]` and colour weights `[B, 2, C + 1]` over the memory's keys (the last one is
    "none"), and the setting `[B, 128]`."""

    def __init__(self):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(4, WIDTH) * 0.05)  # two for things, two for their colours
        self.key, self.value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mix = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.thing_keys = nn.Parameter(torch.randn(len(THINGS) + 1, WIDTH) * 0.1)
        self.colour_keys = nn.Parameter(torch.randn(len(COLOUR_NAMES) + 1, WIDTH) * 0.1)
        self.setting = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH))

    def forward(self, states):
        live = (states.abs().amax(-1) > 0).to(states.dtype)
        weights = self.queries @ self.key(states).transpose(1, 2) / WIDTH ** 0.5 + (live[:, None] - 1) * 1e4
        found = weights.softmax(-1) @ self.value(states)
        found = found + self.mix(found)
        things, colours = found[:, :2] @ self.thing_keys.T, found[:, 2:] @ self.colour_keys.T
        return things, colours, self.setting(states[:, 0])


class Heads(nn.Module):
    """Only for training the two above: what the setting has to know."""

    def __init__(self):
        super().__init__()
        self.place, self.time = nn.Linear(WIDTH, len(PLACES)), nn.Linear(WIDTH, len(TIMES))
        self.weather, self.relation = nn.Linear(WIDTH, len(WEATHERS)), nn.Linear(WIDTH, len(RELATIONS) + 1)
        self.extra = nn.Linear(WIDTH, 2)
        self.count = nn.Linear(WIDTH, 3)

    def forward(self, setting):
        return {name: head(setting) for name, head in self.named_children()}
