"""Random embeddings with the sizes of BLUFR and MegaFace: make_data.py FOLDER DISTRACTORS"""
import json
import os
import sys

import numpy as np

folder, distractors, dim = sys.argv[1], int(sys.argv[2]), 512
rng = np.random.default_rng(1)


def faces(identities, spread):
    people = int(identities.max()) + 1
    centres = rng.standard_normal((people, dim), dtype=np.float32)
    rows = centres[identities] + spread * rng.standard_normal((len(identities), dim), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def blufr():
    # 5,749 people, 13,233 images: 4,069 people with one image, the others on a falling curve, as in LFW.
    counts = np.ones(5749, dtype=int)
    curve = 1 / np.arange(1, 1681) ** 0.62
    counts[:1680] = 2 + np.floor(curve * 530 * 0.4).astype(int)
    while counts.sum() != 13233:
        i = rng.integers(1680)
        counts[i] += np.sign(13233 - counts.sum()) if counts[i] > 2 or counts.sum() < 13233 else 0
    rng.shuffle(counts)
    labels = np.repeat(np.arange(5749), counts)
    names = [f"p{person:04d}_{i:05d}.jpg" for i, person in enumerate(labels)]
    os.makedirs(f"{folder}/lists", exist_ok=True)
    np.save(f"{folder}/lfw.npy", faces(labels, 2.6))
    open(f"{folder}/lists/image_list.txt", "w").write("\n".join(names) + "\n")
    open(f"{folder}/lists/labels.txt", "w").write("\n".join(str(x + 1) for x in labels) + "\n")
    sets = {"test_set": [], "gallery_set": [], "probe_set": []}
    for _ in range(10):
        people = rng.permutation(5749)[:4249]
        rich = [p for p in people if counts[p] > 1]
        enrolled = set(rich[:1000])
        test = np.flatnonzero(np.isin(labels, people))
        gallery, seen = [], set()
        for i in test:
            if labels[i] in enrolled and labels[i] not in seen:
                seen.add(labels[i])
                gallery.append(i)
        sets["test_set"].append(test)
        sets["gallery_set"].append(gallery)
        sets["probe_set"].append(np.setdiff1d(test, gallery))
    for name, trials in sets.items():
        with open(f"{folder}/lists/{name}.txt", "w") as file:
            file.write("10\n")
            for trial in trials:
                file.write(f"{len(trial)}\n" + "".join(f"{i + 1}, {names[i]}\n" for i in trial))


def megaface():
    labels = np.repeat(np.arange(80), 45)[:3530]
    np.save(f"{folder}/probes.npy", faces(labels, 1.6))
    json.dump({"path": [f"p{p}/{i}.jpg" for i, p in enumerate(labels)], "id": [f"p{p}" for p in labels]},
              open(f"{folder}/probes.json", "w"))
    rows = np.lib.format.open_memmap(f"{folder}/distractors.npy", mode="w+", dtype=np.float32, shape=(distractors, dim))
    for begin in range(0, distractors, 50000):
        block = rng.standard_normal((min(50000, distractors - begin), dim), dtype=np.float32)
        rows[begin:begin + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    rows.flush()
    json.dump({"path": [f"{i % 1000}/{i}.jpg" for i in range(distractors)]}, open(f"{folder}/distractors.json", "w"))


os.makedirs(folder, exist_ok=True)
blufr()
megaface()
