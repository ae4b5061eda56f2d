"""Cox regression of lifelines on the splits of the survival sets. Usage: survival_reference.py DIR [SET]..."""

import json
import pathlib
import sys
import time

import lifelines
import numpy
import pandas
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError
from lifelines.utils import concordance_index

TIMES = 100
LAST = 0.9
PENALTIES = [0.0001, 0.01, 0.1]
INNER = 3


def prepared(table):
    """Numbers with gaps filled by the median and flagged; words as flags."""
    features = table.drop(columns=["duration", "happened"])
    flags = {}
    for column in features.select_dtypes("number"):
        if features[column].isna().sum() >= 5:
            flags[f"{column} missing"] = features[column].isna().astype(float)
        features[column] = features[column].fillna(features[column].median())
    features = pandas.get_dummies(features, drop_first=True, dtype=float).assign(**flags)
    features = (features - features.mean()) / features.std().replace(0, 1)
    return features.assign(duration=table["duration"], happened=(table["happened"] == "yes").astype(int))


def integrated_brier(survival, grid, duration, happened, learned):
    """As `aplomb eval` computes it: Graf et al. 1999 with the censoring curve of the rows learned from."""
    watch = KaplanMeierFitter().fit(learned["duration"], 1 - learned["happened"])
    at = lambda times: numpy.maximum(watch.survival_function_at_times(times).to_numpy(), 1e-3)
    before = at(numpy.nextafter(duration, -numpy.inf))
    points = []
    for place, moment in enumerate(grid):
        left = survival[:, place]
        lasted = duration > moment
        off = numpy.where(lasted, (1 - left) ** 2 / at([moment])[0], numpy.where(happened == 1, left**2 / before, 0.0))
        points.append(off.mean())
    return float(numpy.trapezoid(points, grid) / (grid[-1] - grid[0]))


def cox(learned):
    """The penalty with the best partial likelihood on inner folds, of those with which all fits converge."""
    part = numpy.arange(len(learned)) % INNER
    def score(penalty):
        try:
            fits = [CoxPHFitter(penalizer=penalty).fit(learned[part != held], "duration", "happened") for held in range(INNER)]
        except ConvergenceError:
            return -numpy.inf
        return sum(fit.score(learned[part == held]) for held, fit in enumerate(fits))
    best = max(PENALTIES, key=score)
    return CoxPHFitter(penalizer=best).fit(learned, "duration", "happened")


def measure(directory, name):
    splits = json.loads((directory / "survival" / f"{name}.json").read_text())["splits"]
    table = prepared(pandas.read_csv(directory / "survival" / f"{name}.csv"))
    figures, start = {"concordance": [], "integratedBrier": []}, time.perf_counter()
    for folds in map(numpy.array, splits):
        for held in sorted(set(folds)):
            fold = measure_fold(table[folds != held].reset_index(drop=True), table[folds == held])
            for key, value in fold.items():
                figures[key].append(value)
    result = {key: float(numpy.mean(values)) for key, values in figures.items()}
    result |= {"folds": figures, "version": lifelines.__version__, "seconds": time.perf_counter() - start}
    print(name, result, file=sys.stderr, flush=True)
    return result


def measure_fold(learned, test):
    model = cox(learned)
    duration, happened = test["duration"].to_numpy(float), test["happened"].to_numpy()
    grid = numpy.linspace(learned["duration"].min(), learned["duration"].quantile(LAST), TIMES)
    survival = model.predict_survival_function(test, times=grid).to_numpy().T
    concordance = concordance_index(duration, -model.predict_partial_hazard(test), happened)
    brier = integrated_brier(survival, grid, duration, happened, learned)
    return {"concordance": float(concordance), "integratedBrier": brier}


def main(directory, *names):
    directory = pathlib.Path(directory)
    names = names or sorted(path.stem for path in (directory / "survival").glob("*.json"))
    (directory / "reference").mkdir(exist_ok=True)
    for name in names:
        path = directory / "reference" / f"survival-{name}.json"
        path.write_text(json.dumps(measure(directory, name), indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
