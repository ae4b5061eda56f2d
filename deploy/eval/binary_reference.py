"""LightGBM tuned by an inner search, and a plain logistic regression, on the fixed folds of the binary suites.

Usage: binary_reference.py DIR [SET]...
"""

import itertools
import json
import pathlib
import sys
import time

import lightgbm
import numpy
import pandas
import sklearn
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

THREADS = 1
BINS = 10
DAY = r"\d{4}-\d{2}-\d{2}"
INNER = 3
GRID = list(itertools.product([4, 10, 31], [10, 40], [1.0]))
ROUNDS = [25, 50, 75, 100, 150, 200, 300, 400]


def calibration_error(outcome, chance):
    """Expected calibration error over ten bins of equal count, as `aplomb eval` computes it."""
    order = numpy.argsort(chance, kind="stable")
    gaps = [
        len(part) * abs(chance[part].mean() - outcome[part].mean())
        for part in numpy.array_split(order, BINS)
        if len(part)
    ]
    return float(sum(gaps) / len(outcome))


def booster(leaves, smallest, l2, rounds):
    return lightgbm.LGBMClassifier(
        n_estimators=rounds, learning_rate=0.05, num_leaves=leaves, min_child_samples=smallest, reg_lambda=l2,
        subsample=0.8, subsample_freq=1, colsample_bytree=0.8, n_jobs=THREADS, random_state=1, verbose=-1,
        deterministic=True, force_col_wise=True,
    )


def tuned_booster(table, outcome):
    """Fits the leaves, leaf size, L2 and number of rounds with the smallest mean log loss on three inner folds."""
    inner = list(StratifiedKFold(INNER, shuffle=True, random_state=1).split(table, outcome))
    losses = {}
    for leaves, smallest, l2 in GRID:
        for train, test in inner:
            model = booster(leaves, smallest, l2, max(ROUNDS)).fit(table.iloc[train], outcome[train])
            for rounds in ROUNDS:
                chance = model.predict_proba(table.iloc[test], num_iteration=rounds)[:, 1]
                key = (leaves, smallest, l2, rounds)
                losses[key] = losses.get(key, 0.0) + log_loss(outcome[test], chance, labels=[0, 1])
    return booster(*min(losses, key=losses.get)).fit(table, outcome)


def logistic(table, outcome):
    numbers = table.select_dtypes("number").columns
    words = [name for name in table.columns if name not in set(numbers)]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=10), words),
    )
    search = LogisticRegressionCV(Cs=8, cv=INNER, scoring="neg_log_loss", max_iter=2000, l1_ratios=(0,),
                                  use_legacy_attributes=False)
    return make_pipeline(columns, search).fit(table, outcome)


LEARNERS = {"lightgbm": tuned_booster, "logistic": logistic}


def measure(directory, name):
    manifest = json.loads((directory / "binary" / f"{name}.json").read_text())
    table = pandas.read_csv(directory / "binary" / f"{name}.csv")
    outcome = (table.pop(manifest["target"]) == manifest["yes"]).to_numpy().astype(int)
    for column in table.columns:
        if pandas.api.types.is_numeric_dtype(table[column]):
            continue
        if table[column].astype(str).str.fullmatch(DAY).all():
            table[column] = (pandas.to_datetime(table[column]) - pandas.Timestamp(0)).dt.days
        else:
            table[column] = table[column].astype("category")
    # a row without a fold is always learned from
    fold = numpy.array([-1 if held is None else held for held in manifest["folds"]])
    measured = fold >= 0
    result = {"set": name, "versions": {"lightgbm": lightgbm.__version__, "scikit-learn": sklearn.__version__}}
    for learner, fit in LEARNERS.items():
        chance, aucs, start = numpy.zeros(len(outcome)), [], time.perf_counter()
        for held in sorted(set(fold[measured])):
            train, test = numpy.flatnonzero(fold != held), numpy.flatnonzero(fold == held)
            model = fit(table.iloc[train].reset_index(drop=True), outcome[train])
            chance[test] = model.predict_proba(table.iloc[test])[:, 1]
            aucs.append(roc_auc_score(outcome[test], chance[test]))
        result[learner] = {
            "auc": float(numpy.mean(aucs)),
            "brier": float(brier_score_loss(outcome[measured], chance[measured])),
            "ece": calibration_error(outcome[measured], chance[measured]),
            "seconds": time.perf_counter() - start,
        }
        print(name, learner, result[learner], file=sys.stderr, flush=True)
    (directory / "reference").mkdir(exist_ok=True)
    (directory / "reference" / f"{name}.json").write_text(json.dumps(result, indent=1))


def main(directory, *names):
    directory = pathlib.Path(directory)
    for name in names or sorted(path.stem for path in (directory / "binary").glob("*.json")):
        measure(directory, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
