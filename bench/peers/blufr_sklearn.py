"""BLUFR by NumPy and scikit-learn: blufr_sklearn.py FOLDER"""
import sys

import numpy as np
from sklearn.metrics import roc_curve

folder = sys.argv[1]


def read_sets(name):
    lines = iter(open(f"{folder}/lists/{name}.txt").read().split("\n"))
    return [np.array([int(next(lines).split(",")[0]) - 1 for _ in range(int(next(lines)))]) for _ in range(int(next(lines)))]


rows = np.load(f"{folder}/lfw.npy")
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
labels = np.loadtxt(f"{folder}/lists/labels.txt", dtype=int)
vr, dir_ = [], []
for test, gallery, probe in zip(read_sets("test_set"), read_sets("gallery_set"), read_sets("probe_set")):
    scores = rows[test] @ rows[test].T
    lower = np.tril_indices(len(test), -1)
    same = labels[test][lower[0]] == labels[test][lower[1]]
    far, tar, _ = roc_curve(same, scores[lower])
    # The first point whose number of false accepts reaches round(FAR N).
    impostors = len(same) - same.sum()
    vr.append([tar[np.searchsorted(np.rint(far * impostors), np.rint(x * impostors))] for x in (1e-3, 1e-4)])

    scores = rows[gallery] @ rows[probe].T
    match = labels[gallery][:, None] == labels[probe][None, :]
    mated = match.any(0)
    alarms = np.sort(scores[:, ~mated].max(0))[::-1]
    threshold = alarms[int(np.rint(0.01 * len(alarms))) - 1]
    order = np.argsort(-scores[:, mated], axis=0, kind="stable")
    first = np.take_along_axis(match[:, mated], order[:1], 0)[0]
    mate = np.where(match[:, mated], scores[:, mated], -np.inf).max(0)
    dir_.append(np.mean(first & (mate >= threshold)))
vr, dir_ = np.array(vr), np.array(dir_)
fused = vr.mean(0) - vr.std(0, ddof=1)
print(f"VR@FAR 0.001 {100 * fused[0]:.2f}  VR@FAR 0.0001 {100 * fused[1]:.2f}  "
      f"DIR@FAR 0.01 {100 * (dir_.mean() - dir_.std(ddof=1)):.2f}")
