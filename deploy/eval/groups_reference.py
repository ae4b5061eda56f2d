"""k-means, mixtures and isolation forests of scikit-learn and STL of statsmodels on the labelled sets. Usage:
groups_reference.py DIR [SET]..."""

import json
import pathlib
import sys
import time
import warnings

import numpy
import sklearn
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, average_precision_score, silhouette_score
from sklearn.mixture import GaussianMixture
from statsmodels.tsa.seasonal import STL

MOST = 10
CLUSTER_SEEDS = range(40)
FOREST_SEEDS = range(400)


def clusters(points, labels, count):
    near = lambda count, seed: KMeans(count, n_init=10, random_state=seed).fit(points)
    mixed = lambda count, seed: GaussianMixture(count, max_iter=200, tol=1e-5, random_state=seed).fit(points)
    agree = lambda segments: adjusted_rand_score(labels, segments)
    chosen_near = max((near(k, 1) for k in range(2, MOST + 1)), key=lambda fit: silhouette_score(points, fit.labels_))
    chosen_mixed = min((mixed(k, 1) for k in range(1, MOST + 1)), key=lambda fit: fit.bic(points))
    return {
        "kMeans": float(numpy.mean([agree(near(count, seed).labels_) for seed in CLUSTER_SEEDS])),
        "mixture": float(numpy.mean([agree(mixed(count, seed).predict(points)) for seed in CLUSTER_SEEDS])),
        "kMeansChosen": agree(chosen_near.labels_), "kMeansCount": chosen_near.n_clusters,
        "mixtureChosen": agree(chosen_mixed.predict(points)), "mixtureCount": chosen_mixed.n_components,
    }


def anomalies(points, labels):
    forests = (IsolationForest(n_estimators=200, random_state=seed).fit(points) for seed in FOREST_SEEDS)
    return odd([average_precision_score(labels, -forest.score_samples(points)) for forest in forests])


def moments(values, labels, season):
    off = STL(values, period=season, robust=True).fit().resid
    return average_precision_score(labels, numpy.abs(off - numpy.median(off)))


def odd(each):
    return {"precision": float(numpy.mean(each)), "each": [float(one) for one in each]}


def measure(made):
    if made["kind"] == "moments":
        return odd([moments(numpy.array(draw["values"]), draw["labels"], made["season"]) for draw in made["draws"]])
    values, labels = numpy.array(made["values"]), numpy.array(made["labels"])
    points = values.reshape(-1, made["width"])
    return clusters(points, labels, made["count"]) if made["kind"] == "clusters" else anomalies(points, labels)


def main(directory, *names):
    warnings.simplefilter("ignore", ConvergenceWarning)
    directory = pathlib.Path(directory)
    (directory / "reference").mkdir(exist_ok=True)
    for path in sorted((directory / "groups").glob("*.json")):
        if names and path.stem not in names:
            continue
        start = time.perf_counter()
        result = measure(json.loads(path.read_text()))
        result |= {"version": sklearn.__version__, "seconds": time.perf_counter() - start}
        print(path.stem, result, file=sys.stderr, flush=True)
        (directory / "reference" / f"groups-{path.stem}.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
