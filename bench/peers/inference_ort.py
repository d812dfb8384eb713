"""Latency of ONNX Runtime on an exported network: inference_ort.py FILE BATCH THREADS SECONDS."""
import sys
import time

import numpy
import onnxruntime

path, batch, threads, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
chips = (numpy.arange(batch * 3 * 112 * 112) * 7919 % 256 / 127.5 - 1).astype(numpy.float32).reshape(batch, 3, 112, 112)
for _ in range(2):
    session.run(["embedding"], {"chips": chips})
laps, begin = [], time.perf_counter()
while time.perf_counter() - begin < seconds or len(laps) < 3:
    start = time.perf_counter()
    session.run(["embedding"], {"chips": chips})
    laps.append(1000 * (time.perf_counter() - start))
laps.sort()
print(f"ort     batch {batch:2}, {threads} threads: {laps[len(laps) // 2]:9.2f} ms median, {laps[0]:9.2f} fastest, {len(laps)} runs")
