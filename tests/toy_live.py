"""A live benchmark and what trains on it, small enough for tests: linear networks on four pixels, in numpy alone.

Put on the path as an installed distribution (`install`), so that worker processes find them too. Some recipes break,
each in its way. The folder `marks` beside the module tells which process trained which epoch, and which one loaded test
images.
"""

from __future__ import annotations

from pathlib import Path

from tests.plugin import write_distribution

BODY = '''
from functools import cache
from pathlib import Path
from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.context import Context, Trainings
from nasboard.harness.errors import MethodError, MissingDataError

SPACE, CLASSES = PlantedSpace(), 3
MARKS = Path(__file__).with_name("marks")

def images(seed, n):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, n)
    shown = np.eye(CLASSES, 4)[labels] + rng.normal(0, 0.9, (n, 4))
    return shown.reshape(n, 1, 2, 2).astype(np.float32), labels.astype(np.int64)

@dataclass(frozen=True)
class Data:
    train: tuple
    val: tuple

def test():
    with (MARKS / f"test-{os.getpid()}").open("a") as file:
        file.write("loaded\\n")
    return images(3, 330)

def canonical(archs):
    same = archs.copy()
    same[archs[:, 4] == 0, 5] = 0
    return same

def cost_s(arch, epochs):
    return float(epochs * (1 + arch.sum() / 8))

@dataclass(frozen=True)
class Toy:
    name: str
    context: Context
    dataset: str = "toy"
    space: PlantedSpace = SPACE
    fidelities: tuple = (4,)
    cost_kind: str = "measured"
    digest: None = None
    query: None = None
    parameter_free: None = None

    def data(self):
        return Data(images(1, 90), images(2, 60))

    def truth(self, archs):
        raise MissingDataError("truth is trainings here")

    def truth_by_seed(self, archs):
        raise MissingDataError("truth is trainings here")

@cache
def toy(recipe="quick", cells="1", shows="yes", epochs="4"):
    MARKS.mkdir(exist_ok=True)
    usual = {"cells": "1", "epochs": "4", "recipe": "quick", "shows": "yes"}
    own = {"cells": cells, "epochs": epochs, "recipe": recipe, "shows": shows}
    tail = [f"{k}={v}" for k, v in own.items() if v != usual[k]]
    name, home = ("toy-live" + "?" * bool(some) + "&".join(some) for some in (tail, [o for o in tail if o[0] in "er"]))
    n = int(epochs)
    how = Trainings(home, recipe, n, True, shows == "yes", tuple(sorted({1, n})), canonical, cost_s, "training_toy")
    parts = hashlib.sha256(f"toy {recipe} {cells}".encode()).hexdigest()
    return Toy(name, Context(parts=parts, trainings=how, test=test))

class OutOfMemoryError(RuntimeError):
    pass

@dataclass(frozen=True)
class Training:
    spec: str | None = None
    recipe: str = "quick"
    epochs: int | None = None
    batch: int = 64
    needs = frozenset({"data"})

    @classmethod
    def for_tests(cls):
        return cls(epochs=3)

    def search(self, task):
        arch = sample(task.space, task.rng, 1)[0] if self.spec is None else task.space.encode(self.spec)
        (x, y), (v, w) = ((a.reshape(len(a), 4), b) for a, b in (task.data.train, task.data.val))
        weights, first = task.rng.normal(0, 0.1, (4, CLASSES)), 1
        if task.resume is not None:
            weights, first = task.resume["weights"], task.resume["epoch"] + 1
            task.rng.bit_generator.state = task.resume["rng"]
        epochs, lr = self.epochs or 4, 0.02 * (1 + arch.sum())
        for epoch in range(first, epochs + 1):
            self.fault(epoch, lr)
            with (MARKS / "epochs").open("a") as file:
                file.write(f"{os.getpid()} {os.getppid()} {self.spec} {epoch} {weights.sum().hex()}\\n")
            kept = task.rng.random(x.shape) < 0.8
            wrong = softmax((x * kept) @ weights) - np.eye(CLASSES)[y]
            weights = weights - lr * (x * kept).T @ wrong / len(x)
            saved = {"weights": weights, "epoch": epoch, "rng": dict(task.rng.bit_generator.state)}
            if self.recipe == "heavy":
                saved["ballast"] = np.random.default_rng(epoch).bytes(150_000).hex()
            right = float(((v @ weights).argmax(axis=1) == w).mean())
            yield Checkpoint(
                epoch, arch, network=self.network(weights), state=lambda s=saved: s, last=epoch == epochs, total=epochs,
                logs={"loss": float(-np.log(softmax(x @ weights)[np.arange(len(y)), y]).mean()), "lr": lr,
                      "val_accuracy": right},
            )

    def network(self, weights):
        def logits(given):
            if self.recipe == "narrow":
                return np.zeros((len(given), 2), dtype=np.float32)
            found = (given.reshape(len(given), 4) @ weights).astype(np.float32)
            return np.full_like(found, np.nan) if self.recipe == "blind" else found
        return logits

    def fault(self, epoch, lr):
        if self.recipe in ("slow", "heavy"):
            time.sleep(0.4)
        if self.recipe == "diverges" and epoch == 3:
            raise MethodError(f"the loss is nan in epoch {epoch} at learning rate {lr:g}; lower the learning rate")
        if self.recipe == "unlucky" and not (MARKS / "unlucky").exists():
            (MARKS / "unlucky").touch()
            raise MethodError("the first one has no luck")
        if self.recipe == "large":
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        if self.recipe == "deadly" and epoch == 3 and not (MARKS / "died").exists():
            (MARKS / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)

def softmax(logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)

@dataclass(frozen=True)
class Drifting:
    """Searches by its own schedule, one uniform draw a step."""
    steps: int = 6
    needs = frozenset({"data"})

    def search(self, task):
        for step in range(1, self.steps + 1):
            arch = sample(task.space, task.rng, 1)[0]
            yield Checkpoint(step, arch, rank=lambda archs: archs.sum(axis=1) / 7, last=step == self.steps)


@dataclass(frozen=True)
class Lessening:
    """Takes away what is in the first slot of given architectures."""
    needs = frozenset()

    def search(self, task):
        yield Checkpoint(1, transform=lambda archs: archs * np.array([0, 1, 1, 1, 1, 1], archs.dtype), last=True)
'''


def install(folder: Path) -> Path:
    """Write the distribution into `folder`, which then goes on `sys.path`; returns the folder."""
    methods = {"training_toy": "toylive:Training", "drifting": "toylive:Drifting", "lessening": "toylive:Lessening"}
    write_distribution(folder, "toylive", "import hashlib\n" + BODY, methods)
    with (folder / "toylive-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write("[nasboard.benchmarks]\ntoy-live = toylive:toy\n")
    return folder
