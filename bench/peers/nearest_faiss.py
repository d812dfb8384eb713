"""The course of nearest_bench by the FAISS of PyPI: nearest_faiss.py FOLDER [THREADS]

FOLDER holds what `nearest_bench --write FOLDER` left. Every index takes its turn in every step; nprobe is the smallest
whose recall on the tuning queries is 0.953, as for the other contestants.
"""
import glob
import sys
import time

import faiss
import numpy as np

folder, threads = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2
count, target = 32, 0.953
faiss.omp_set_num_threads(threads)


def load(name):
    return np.ascontiguousarray(np.load(f"{folder}/{name}.npy"))


def recall(found, truth):
    return np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, truth)])


rows, tuning, tuning_truth = load("rows"), load("tuning"), load("truth_tuning").astype(np.int64)
dim, steps = rows.shape[1], len(glob.glob(f"{folder}/ids_*.npy"))
print(f"FAISS {faiss.__version__} ({faiss.get_compile_options().strip()}), {threads} threads")

contestants = []
for kind in ("IVFFlat", "IVF SQ8"):
    lists = 512
    while lists <= 2048 and 32 * lists <= len(rows):
        quantiser = faiss.IndexFlatIP(dim)
        if kind == "IVFFlat":
            index = faiss.IndexIVFFlat(quantiser, dim, lists, faiss.METRIC_INNER_PRODUCT)
        else:
            index = faiss.IndexIVFScalarQuantizer(quantiser, dim, lists, faiss.ScalarQuantizer.QT_8bit,
                                                  faiss.METRIC_INNER_PRODUCT)
        index.cp.spherical = True
        begin = time.perf_counter()
        index.train(rows)
        index.add(rows)
        index.set_direct_map_type(faiss.DirectMap.Array)
        build = time.perf_counter() - begin
        for index.nprobe in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256):
            if recall(index.search(tuning, count)[1], tuning_truth) >= target:
                contestants.append(dict(name=kind, index=index, quantiser=quantiser, lists=lists, build=build, update=[],
                                        search=[], recall=[]))
                break
        else:
            print(f"{kind} with {lists} lists never reaches recall {target}")
        lists *= 2

for step in range(steps):
    ids, changed, queries = load(f"ids_{step}")[0].astype(np.int64), load(f"changed_{step}"), load(f"queries_{step}")
    truth = load(f"truth_{step}").astype(np.int64) if glob.glob(f"{folder}/truth_{step}.npy") else None
    for who in contestants:
        begin = time.perf_counter()
        who["index"].update_vectors(ids, changed)
        middle = time.perf_counter()
        found = who["index"].search(queries, count)[1]
        end = time.perf_counter()
        who["update"].append(1e3 * (middle - begin))
        who["search"].append(1e3 * (end - middle))
        if truth is not None:
            who["recall"].append(recall(found, truth))

print(f"{'':<12} {'setting':<26} {'build s':>8} {'update ms':>10} {'search ms':>10} {'step ms':>10} {'recall':>8}")
for who in contestants:
    update, search = np.median(who["update"]), np.median(who["search"])
    print(f"{who['name']:<12} {'nlist %d, nprobe %d' % (who['lists'], who['index'].nprobe):<26} {who['build']:8.1f} "
          f"{update:10.2f} {search:10.2f} {update + search:10.2f} {min(who['recall']):8.4f}")
