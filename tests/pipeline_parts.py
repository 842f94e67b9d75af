"""Toy networks with random weights, for tests of pipelines and commands."""

import torch

from skyloom.models.autoencoder import Autoencoder
from skyloom.models.text_encoder import TextFeatures
from skyloom.models.transformer import Transformer
from skyloom.pipelines.pipeline import Pipeline
from skyloom.presets import TINY
from skyloom.seeds import generator_for


class ToyTextEncoder:
    """Each word is a random vector of its own."""

    device = torch.device("cpu")

    def truncated(self, prompt, max_length=64):
        return len(prompt.split()) > max_length - 1

    def encode(self, prompts, *, max_length=64):
        words = [["<all>", *prompt.split()][:max_length] for prompt in prompts]
        embeds = torch.zeros(len(prompts), max(map(len, words)), 768)
        for row, texts in enumerate(words):
            for place, text in enumerate(texts):
                embeds[row, place] = torch.randn(768, generator=generator_for(0, text))
        lengths = torch.tensor([len(texts) for texts in words])
        return TextFeatures(embeds, torch.arange(embeds.shape[1]) < lengths[:, None])


def randomised(network, seed, spread=0.08):
    """Give every parameter random values, so that nothing is zero and every input counts."""
    generator = generator_for(seed, type(network).__name__)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator))
    return network.eval()


def toy_networks(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        networks = Autoencoder(TINY.autoencoder), Transformer(TINY.transformer)
    return tuple(randomised(network, seed) for network in networks)


def toy_pipeline(seed=0):
    autoencoder, transformer = toy_networks(seed)
    return Pipeline(autoencoder, transformer, ToyTextEncoder(), TINY, "toy", sha256="0" * 64)
