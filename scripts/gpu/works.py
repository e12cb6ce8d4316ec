"""What a report measures, by priority: the networks, and at which batch sizes, in which precision and beside whom."""

from __future__ import annotations

from dataclasses import dataclass

EAGER = ("eager NCHW", "eager channels-last")
COMPILED = ("compile default", "compile reduce-overhead")


@dataclass(frozen=True)
class Network:
    """A network as an ablation file has it."""

    name: str
    model: str
    image_size: int
    classes: int


@dataclass(frozen=True)
class Work:
    """A network at a batch size in a precision, and PyTorch's ways of running it beside."""

    network: Network
    batch_size: int
    precision: str
    peers: tuple[str, ...]
    # What it takes at the least, in seconds: it is not begun in less.
    least: float

    @property
    def name(self) -> str:
        """For people."""
        compiled = ", compiled" if any(peer in COMPILED for peer in self.peers) else ""
        return f"{self.network.name}, batch {self.batch_size}, {self.precision}{compiled}"


BC_100 = Network("bc-100", 'preset = "densenet-bc-100-12"', 32, 10)
DENSENET_121 = Network("densenet-121", 'preset = "densenet-121"', 224, 1000)
ARTICLE = Network("article", 'preset = "article"', 224, 40)
RESNET_50 = Network("resnet-50", 'preset = "resnet-50"', 224, 1000)


def eager(network: Network, batch_size: int, precision: str) -> Work:
    """Beside eager PyTorch."""
    return Work(network, batch_size, precision, EAGER, least=15.0)


def compiled(network: Network, batch_size: int, precision: str) -> Work:
    """Beside PyTorch's compiler as well."""
    return Work(network, batch_size, precision, (EAGER[1], *COMPILED), least=60.0)


# The two networks that the goals are of come first, in every precision; the compiler takes minutes for one.
WORKS = (
    eager(BC_100, 64, "f32"),
    eager(DENSENET_121, 32, "tf32"),
    eager(DENSENET_121, 32, "f32"),
    eager(BC_100, 64, "bf16"),
    eager(DENSENET_121, 32, "bf16"),
    compiled(BC_100, 64, "f32"),
    eager(BC_100, 256, "f32"),
    eager(DENSENET_121, 128, "bf16"),
    eager(DENSENET_121, 4, "tf32"),
    eager(BC_100, 64, "tf32"),
    compiled(DENSENET_121, 32, "bf16"),
    eager(RESNET_50, 64, "tf32"),
    eager(ARTICLE, 16, "tf32"),
    eager(DENSENET_121, 128, "tf32"),
    eager(ARTICLE, 64, "tf32"),
    eager(RESNET_50, 64, "bf16"),
    eager(BC_100, 256, "bf16"),
    eager(DENSENET_121, 4, "bf16"),
    eager(DENSENET_121, 128, "f32"),
    eager(ARTICLE, 16, "bf16"),
    eager(ARTICLE, 64, "bf16"),
    eager(DENSENET_121, 4, "f32"),
    eager(ARTICLE, 16, "f32"),
    eager(ARTICLE, 64, "f32"),
    eager(RESNET_50, 64, "f32"),
    eager(BC_100, 256, "tf32"),
)

# For a rehearsal on the processor: the same code on shapes that take a second.
SMALL_DENSENET = Network("small-densenet", "block-layers = [2, 2]\ngrowth-rate = 4\nbottleneck = true\ncompression = 0.5", 8, 10)
SMALL_RESNET = Network("small-resnet", 'family = "resnet"\nblock-layers = [1, 1]\ninitial-channels = 8', 8, 10)
REHEARSED = (
    Work(SMALL_DENSENET, 8, "f32", EAGER, least=1.0),
    Work(SMALL_RESNET, 4, "f32", EAGER, least=1.0),
    # Refused by a processor: a report says so, and goes on.
    Work(SMALL_DENSENET, 8, "tf32", EAGER, least=1.0),
)


@dataclass(frozen=True)
class Timing:
    """How steps are timed in a work."""

    warmup_steps: int
    steps: int
    rounds: int


# As many steps in a round as last for half a second or longer, which a counter of energy needs.
TIMING = Timing(warmup_steps=5, steps=60, rounds=3)
REHEARSED_TIMING = Timing(warmup_steps=1, steps=6, rounds=3)


def ablation(work: Work, timing: Timing, settings: dict[str, str]) -> str:
    """The ablation file of a work; each of the variants has its name and its settings of `[run]`."""
    network, size = work.network, work.batch_size
    variants = "".join(f'[[variant]]\nname = "{name}"\nset = {{ {keys} }}\n' for name, keys in settings.items())
    return f"""\
name = "{network.name}-{size}-{work.precision}"
question = "How fast is a training step here, and what memory does it take?"
[data]
dataset = "synthetic"
image-size = {network.image_size}
classes = {network.classes}
train-images = {size}
test-images = {min(size, 16)}
[model]
{network.model}
[train]
steps = 1
batch-size = {size}
learning-rate = 0.001
[measure]
batch-sizes = [{size}]
warmup-steps = {timing.warmup_steps}
warmup-seconds = 0.0
steps = {timing.steps}
rounds = {timing.rounds}
[run]
precision = "{work.precision}"
{variants}"""
