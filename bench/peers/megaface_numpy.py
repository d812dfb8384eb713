"""MegaFace by NumPy, a rank at a time: megaface_numpy.py FOLDER"""
import json
import sys

import numpy as np

folder = sys.argv[1]
probes = np.load(f"{folder}/probes.npy")
ids = np.array(json.load(open(f"{folder}/probes.json"))["id"])
names = json.load(open(f"{folder}/distractors.json"))["path"]
distractors = np.load(f"{folder}/distractors.npy")
assert len(names) == len(distractors)
probes /= np.linalg.norm(probes, axis=1, keepdims=True)
distractors /= np.linalg.norm(distractors, axis=1, keepdims=True)

ranks = range(1, 11)
allowed = int(np.floor(1e-6 * len(probes) * len(distractors)))
nth = np.empty((len(ranks), len(probes)), dtype=np.float32)  # n-th best distractor of each probe
highest = np.empty(0, dtype=np.float32)
for begin in range(0, len(probes), 100):
    scores = probes[begin:begin + 100] @ distractors.T
    for r in ranks:
        at = np.argpartition(scores, -r, axis=1)[:, -r]
        nth[r - 1, begin:begin + 100] = scores[np.arange(len(scores)), at]
    highest = np.concatenate([highest, np.partition(scores.ravel(), -(allowed + 1))[-(allowed + 1):]])
    highest = np.sort(highest)[::-1][:allowed + 1]

hits, trials, genuine = np.zeros(len(ranks)), 0, []
for person in np.unique(ids):
    mine = np.flatnonzero(ids == person)
    scores = probes[mine] @ probes[mine].T
    for a in range(len(mine)):
        for b in range(len(mine)):
            if a == b:
                continue
            trials += 1
            for r in ranks:
                hits[r - 1] += scores[a, b] >= nth[r - 1, mine[b]]
            if a < b:
                genuine.append(scores[a, b])
bound = highest[allowed]
print(f"rank1 {100 * hits[0] / trials:.2f}  TAR@FAR 1e-06 {100 * np.mean(np.array(genuine) > bound):.2f}")
