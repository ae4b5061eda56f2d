"""Times LightGBM on the numbers that `src/learn/examples/speed.rs` trains on: the same rows, trees, leaves, shares and
threads. Usage: speed_reference.py [ROWS]
"""

import sys
import time

import lightgbm
import numpy
from sklearn.metrics import roc_auc_score

FEATURES, TOP, THREADS = 60, 100_000, 2


def drawn(rows):
    """SplitMix64 from seed 1: sixty numbers below TOP and one of chance for each row."""
    with numpy.errstate(over="ignore"):
        count = numpy.arange(1, rows * (FEATURES + 1) + 1, dtype=numpy.uint64)
        mixed = numpy.uint64(1) + count * numpy.uint64(0x9E3779B97F4A7C15)
        del count
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> numpy.uint64(shift))) * numpy.uint64(factor)
        mixed ^= mixed >> numpy.uint64(31)
    numbers = (mixed % numpy.uint64(TOP)).astype(float).reshape(rows, FEATURES + 1)
    outcome = numbers[:, 0] + numbers[:, -1] > 1.1 * TOP
    return numbers[:, :-1], outcome


def main(rows=1_000_000):
    numbers, outcome = drawn(int(rows))
    model = lightgbm.LGBMClassifier(
        n_estimators=200, learning_rate=0.1, num_leaves=12, min_child_weight=2.0, min_child_samples=1, reg_lambda=1.0,
        subsample=0.8, subsample_freq=1, colsample_bytree=0.8, max_bin=255, n_jobs=THREADS, random_state=1, verbose=-1,
    )
    start = time.perf_counter()
    model.fit(numbers, outcome)
    print(f"200 trees of 12 leaves on {rows} rows of {FEATURES}: {time.perf_counter() - start:.1f} s")
    auc = roc_auc_score(outcome, model.predict_proba(numbers)[:, 1])
    print(f"area under the curve on the rows learned from: {auc:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
