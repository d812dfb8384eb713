"""MegaFace by FAISS Flat and scikit-learn: megaface_faiss.py FOLDER"""
import json
import sys

import faiss
import numpy as np
from sklearn.metrics import roc_curve

folder, neighbours = sys.argv[1], 128
probes = np.load(f"{folder}/probes.npy")
ids = np.array(json.load(open(f"{folder}/probes.json"))["id"])
names = json.load(open(f"{folder}/distractors.json"))["path"]
distractors = np.load(f"{folder}/distractors.npy")
assert len(names) == len(distractors)
faiss.normalize_L2(probes)
faiss.normalize_L2(distractors)
index = faiss.IndexFlatIP(probes.shape[1])
index.add(distractors)
best, _ = index.search(probes, neighbours)

scores = probes @ probes.T
same = ids[:, None] == ids[None, :]
np.fill_diagonal(same, False)
a, b = np.nonzero(same)
rank1 = np.mean(scores[a, b] >= best[b, 0])
genuine = scores[np.triu_indices(len(probes), 1)][same[np.triu_indices(len(probes), 1)]]
total = len(probes) * len(distractors)
far, tar, thresholds = roc_curve(np.r_[np.ones(len(genuine)), np.zeros(best.size)], np.r_[genuine, best.ravel()])
at = np.searchsorted(np.rint(far * best.size), np.floor(1e-6 * total), side="right") - 1
# Exact only if no probe has impostors above the threshold beyond the neighbours that were asked for.
assert best[:, -1].max() < thresholds[at], "ask for more neighbours"
print(f"rank1 {100 * rank1:.2f}  TAR@FAR 1e-06 {100 * tar[at]:.2f}")
