"""Replay on split digits in plain PyTorch, from the description in docs/compared.md alone: no continual-learning library.
Needs torch and numpy in a scratch environment. Usage: python scripts/torch_replay.py (about 15 seconds)"""
import gzip
import pathlib

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
digits = pathlib.Path(__file__).parent.parent / "assets/data/digits8x8.csv.gz"
table = np.loadtxt(gzip.open(digits, "rt"), delimiter=",", skiprows=1)
X = torch.tensor(table[:, :64] / 16, dtype=torch.float32)
Y = torch.tensor(table[:, 64], dtype=torch.long)


def accuracy(seed, cycled):
    """Final ACC over all outputs; the memory is drawn from at random, or cycled through."""
    draw = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    train, test = [], []
    for label in range(10):
        rows = (Y == label).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=draw)]
        count = round(0.3 * len(rows))
        test.append(rows[:count])
        train.append(rows[count:])
    tasks = torch.randperm(10, generator=draw).view(5, 2)
    net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    stored = []
    for done, task in enumerate(tasks):
        new = torch.cat([train[label] for label in task])
        for _ in range(5):
            old = torch.cat(stored) if stored else None
            queue = old[torch.randperm(len(old), generator=draw)] if stored else None
            place = 0
            for batch in new[torch.randperm(len(new), generator=draw)].split(16):
                if stored and cycled:
                    if place >= len(queue):
                        queue, place = old[torch.randperm(len(old), generator=draw)], 0
                    batch = torch.cat([batch, queue[place : place + 16]])
                    place += 16
                elif stored:
                    batch = torch.cat([batch, old[torch.randperm(len(old), generator=draw)[:16]]])
                optimiser.zero_grad()
                nn.functional.cross_entropy(net(X[batch]), Y[batch]).backward()
                optimiser.step()
        share = 200 // (done + 1)
        stored = [rows[:share] for rows in stored]
        stored.append(new[torch.randperm(len(new), generator=draw)][:share])
    with torch.no_grad():
        rows = [torch.cat([test[label] for label in task]) for task in tasks]
        return np.mean([(net(X[part]).argmax(1) == Y[part]).float().mean().item() for part in rows])


for name in ("drawn", "cycled"):
    values = [accuracy(seed, name == "cycled") for seed in range(20)]
    print(f"memory {name}: {np.mean(values):.3f} ± {np.std(values):.3f} over 20 seeds")
