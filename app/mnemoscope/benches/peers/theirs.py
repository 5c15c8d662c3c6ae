"""Avalanche's side of the comparison; see README.md. Usage: python theirs.py FOLDER [CASE ...]

FOLDER is what `cargo bench --bench peers -- FOLDER` wrote; theirs.json is added to it."""
import json
import logging
import os
import pathlib
import random
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import avalanche
import numpy as np
import torch
from avalanche.benchmarks.scenarios.deprecated.generators import tensors_benchmark
from avalanche.core import SupervisedPlugin
from avalanche.evaluation.metrics import accuracy_metrics, forgetting_metrics
from avalanche.training import supervised
from avalanche.training.plugins import EvaluationPlugin
from torch.utils.data import DataLoader

import variants

torch.set_num_threads(1)
logging.captureWarnings(True)  # the library warns of its own deprecated calls at every task's end
HERE = pathlib.Path(__file__).parent


class Replayed(SupervisedPlugin):
    """Feeds the batches in the order in which the other side met them."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def before_training_exp(self, strategy, **kwargs):
        data = strategy.adapted_dataset
        block = self.batches[strategy.clock.train_exp_counter]
        epochs = iter(block)

        class Epoch:
            """The next epoch's batches, each time that it is asked."""

            def __iter__(self):
                return iter(next(epochs))

            def __len__(self):
                return len(block[0])

        strategy.dataloader = DataLoader(data, batch_sampler=Epoch(), collate_fn=data.collate_fn)


def load(folder):
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def batches(start, scope, setting):
    """[block][epoch][batch] of positions in the data that a block trains on."""
    sizes = np.bincount(start["train_task"])
    order, at, blocks = start[f"order_{scope}"].astype(np.int64), 0, []
    for task in range(len(sizes)):
        count = sizes[task] if scope == "current" else sizes[: task + 1].sum()
        first = sizes[:task].sum() if scope == "current" else 0
        epochs = order[at : at + count * setting["epochs"]].reshape(setting["epochs"], count) - first
        at += epochs.size
        blocks.append([[b.tolist() for b in np.split(e, range(setting["batch"], count, setting["batch"]))] for e in epochs])
    assert at == len(order)
    return blocks


def network(start, widths):
    units = [start["train_x"].shape[1], *widths, 10]
    layers, at = [], 0
    for inputs, outputs in zip(units, units[1:]):
        layer = torch.nn.Linear(inputs, outputs)
        weight = start["weights"][at : at + inputs * outputs].reshape(inputs, outputs)
        at += inputs * outputs
        layer.weight.data = torch.tensor(weight.T.copy())
        layer.bias.data = torch.tensor(start["weights"][at : at + outputs])
        at += outputs
        layers += [layer, torch.nn.ReLU()]
    assert at == len(start["weights"])
    return torch.nn.Sequential(*layers[:-1])


def strategy(theirs, start, setting, evaluator):
    """One of Avalanche's strategies or one of our variants, from the other side's weights and with its batches."""
    options = dict(theirs)
    model = network(start, setting["widths"])
    scope = "so_far" if options.get("strategy") == "Cumulative" else "current"
    # Where the strategy makes a loader of its own, as Replay does, that one comes later and stands.
    plugins = [Replayed(batches(start, scope, setting))]
    if "importance_batch" in options:
        plugins.append(variants.ImportanceBatch(options.pop("importance_batch")))
    if "variant" in options:
        plugins.append(getattr(variants, options.pop("variant"))(**options))
        options = {"strategy": "Naive"}
    return getattr(supervised, options.pop("strategy"))(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=setting["rate"]),
        criterion=torch.nn.CrossEntropyLoss(),
        train_mb_size=setting["batch"],
        train_epochs=setting["epochs"],
        eval_mb_size=1000,
        evaluator=evaluator,
        plugins=plugins,
        **options,
    )


def train(theirs, start, setting, seed):
    """Accuracies [block][task] and forgetting, both as Avalanche measures them, and seconds of training."""
    random.seed(seed)
    torch.manual_seed(seed)
    tasks = range(start["train_task"].max() + 1)

    def tensors(part):
        x, y = torch.tensor(start[f"{part}_x"]), torch.tensor(start[f"{part}_y"].astype(np.int64))
        return [(x[rows], y[rows]) for rows in (start[f"{part}_task"] == task for task in tasks)]

    bench = tensors_benchmark(
        train_tensors=tensors("train"), test_tensors=tensors("test"), task_labels=[0 for _ in tasks]
    )
    evaluator = EvaluationPlugin(accuracy_metrics(experience=True), forgetting_metrics(stream=True))
    learner = strategy(theirs, start, setting, evaluator)
    matrix, seconds = [], 0.0
    for experience in bench.train_stream:
        begun = time.perf_counter()
        learner.train(experience)
        seconds += time.perf_counter() - begun
        found = learner.eval(bench.test_stream)
        name = "Top1_Acc_Exp/eval_phase/test_stream/Task000/Exp{:03}"
        matrix.append([found[name.format(task)] for task in tasks])
    return matrix, found["StreamForgetting/eval_phase/test_stream"], seconds


def main():
    folder, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    told = json.loads((HERE / "cases.json").read_text())
    setting = told["setting"]
    target = folder / "theirs.json"
    outcomes = json.loads(target.read_text())["outcomes"] if wanted and target.exists() else []
    outcomes = [outcome for outcome in outcomes if outcome["case"] not in wanted]
    for case in told["cases"]:
        if wanted and case["name"] not in wanted:
            continue
        for stream in setting["streams"]:
            for seed in range(setting["seeds"]):
                start = load(folder / stream / str(seed))
                matrix, forgetting, seconds = train(case["theirs"], start, setting, seed)
                outcomes.append(
                    dict(case=case["name"], stream=stream, seed=seed, matrix=matrix, forgetting=forgetting, seconds=seconds)
                )
                print(f"{stream} {seed}: {case['name']} {np.mean(matrix[-1]):.3f} in {seconds:.1f} s", flush=True)
        version = f"Avalanche {avalanche.__version__}, PyTorch {torch.__version__}, Python {sys.version.split()[0]}"
        target.write_text(json.dumps(dict(version=version, outcomes=outcomes)))


if __name__ == "__main__":
    main()
