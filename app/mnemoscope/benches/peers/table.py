"""Joins both sides into RESULTS.md; see README.md. Usage: python table.py FOLDER"""
import datetime
import json
import os
import pathlib
import platform
import sys

import numpy as np
from scipy import stats

HERE = pathlib.Path(__file__).parent
HEAD = """# Mnemoscope and Avalanche on the same start

Written by `table.py`; README.md says how to repeat it and cases.json what each case is on both sides. {date}, {machine}.
Mnemoscope {ours}. {theirs}, on one thread.

UCI digits 8x8, 70 % training and 30 % test. split: 5 tasks of 2 classes, class order drawn by the seed; permute: 10
permutations drawn by the seed. MLP {widths}, SGD {rate} without momentum, batch {batch}, {epochs} epochs per task, {seeds} seeds.
Both sides have the same samples, initial weights and, but for Replay, the same batches of new samples in the same
order; what is drawn from a memory is each side's own. Accuracy on the test part after the last task, among all outputs,
mean over tasks.

- ± is the 95 % t-interval over the seeds; "difference" is ours minus theirs, seed by seed. **Outside** stands where the
  interval of that difference leaves 0 out, in accuracy or in forgetting.
- "after task 2" is the largest difference of any accuracy of any seed when the second task ends, before rounding has
  had the time to part two runs that are the same on paper. One test sample of split is 0.01, one of permute 0.002.
- Forgetting is the mean over all tasks but the last of the accuracy at the task's own end minus that after the last
  task: Avalanche's definition, as it measures it. "from the best" takes the best accuracy of any earlier task's end
  instead (Chaudhry et al. 2018), which is Mnemoscope's definition; it is never smaller.
- Seconds are of one seed; ours train five at a time and include evaluation, theirs train one at a time and are of
  training alone. Other programs ran beside both, now more and now fewer: read them as orders of magnitude.
"""


def interval(values):
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return np.mean(values), half


def shown(values):
    return "{:.3f} ± {:.3f}".format(*interval(values))


def outside(differences):
    mean, half = interval(differences)
    return " **outside**" if abs(mean) > half else ""


def forgetting(matrix, best):
    last = len(matrix) - 1
    first = [matrix[task:last, task].max() if best else matrix[task, task] for task in range(last)]
    return np.mean(np.array(first) - matrix[last, :last])


def row(case, ours, theirs):
    a, b = (np.array([outcome["matrix"] for outcome in side]) for side in (ours, theirs))
    acc = [matrices[:, -1].mean(axis=1) for matrices in (a, b)]
    fallen = np.array([forgetting(matrix, False) for matrix in a]), np.array([o["forgetting"] for o in theirs])
    cells = [
        case["name"],
        shown(acc[0]),
        shown(acc[1]),
        "{:+.3f} ± {:.3f}".format(*interval(acc[0] - acc[1])) + outside(acc[0] - acc[1]),
        f"{np.abs(a[:, 1] - b[:, 1]).max():.3f}",
        shown(fallen[0]),
        shown(fallen[1]) + outside(fallen[0] - fallen[1]),
        shown([forgetting(matrix, True) for matrix in a]),
        f"{np.mean([o['seconds'] for o in ours]):.2f}",
        f"{np.mean([o['seconds'] for o in theirs]):.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def machine():
    names = {line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")}
    return f"{', '.join(sorted(names))}, {os.cpu_count()} cores, {platform.system()}"


def main():
    folder = pathlib.Path(sys.argv[1])
    told = json.loads((HERE / "cases.json").read_text())
    ours, theirs = (json.loads((folder / f"{side}.json").read_text()) for side in ("ours", "theirs"))
    text = HEAD.format(
        **told["setting"] | {"widths": "-".join(map(str, [64, *told["setting"]["widths"], 10]))},
        date=datetime.date.today(), machine=machine(), ours=ours["version"], theirs=theirs["version"],
    )
    for stream in told["setting"]["streams"]:
        text += f"\n## {stream}\n\n"
        text += "| case | ACC, ours | ACC, Avalanche | difference | after task 2 | forgetting, ours | Avalanche | ours, from the best | s | Avalanche |\n"
        text += "|---" * 10 + "|\n"
        for case in told["cases"]:
            pair = [[o for o in side["outcomes"] if (o["case"], o["stream"]) == (case["name"], stream)] for side in (ours, theirs)]
            text += row(case, *pair) + "\n"
    text += "\n## What each case is, and why it differs\n\n"
    for case in told["cases"]:
        told_theirs = json.dumps(case["theirs"])
        text += f"- **{case['name']}**: ours `{case['ours']}`, theirs `{told_theirs}`. {case['note']}\n"
    (HERE / "RESULTS.md").write_text(text)


if __name__ == "__main__":
    main()
