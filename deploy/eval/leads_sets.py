"""Writes the conversion of leads of a simulated firm into the binary suite: `leads` with folds that keep an account's
leads together, and `leads-split`, the same rows, measured on the package's own test rows. Usage: leads_sets.py DIR
"""

import pathlib
import random
import sys
import tempfile

import pandas
from leadforge.api import Generator

from binary_sets import FOLDS, MEASURED_SEED, TUNING_SEED, write

RECIPE, SEED, LEADS = "b2b_saas_procurement_v1", 42, 5000
TARGET = "converted_within_90_days"
# Identifiers, and the one column that the package fills with touches from after the snapshot, as a trap.
LEFT_OUT = ["account_id", "contact_id", "lead_id", "total_touches_all"]


def generated():
    """The leads as they stood 30 days after each was made, and the part (train, valid, test) of each."""
    firm = Generator.from_recipe(RECIPE, seed=SEED, exposure_mode="student_public")
    with tempfile.TemporaryDirectory() as scratch:
        firm.generate(n_leads=LEADS, difficulty="intermediate").save(scratch)
        tasks = pathlib.Path(scratch) / "tasks" / TARGET
        parts = {part: pandas.read_parquet(tasks / f"{part}.parquet") for part in ("train", "valid", "test")}
    return pandas.concat([table.assign(part=part) for part, table in parts.items()], ignore_index=True)


def account_folds(accounts, seed):
    names = sorted(set(accounts))
    random.Random(seed).shuffle(names)
    fold_of = {name: place % FOLDS for place, name in enumerate(names)}
    return [fold_of[name] for name in accounts]


def main(directory):
    leads = generated()
    accounts, part = leads["account_id"], leads.pop("part")
    leads = leads.drop(columns=LEFT_OUT)
    leads[TARGET] = leads[TARGET].map({True: "yes", False: "no"})
    measured, tuning = account_folds(accounts, MEASURED_SEED), account_folds(accounts, TUNING_SEED)
    write(directory, "leads", leads, TARGET, "yes", folds=measured, tuningFolds=tuning)
    # a row without a fold is always learned from
    held = [0 if name == "test" else None for name in part]
    write(directory, "leads-split", leads, TARGET, "yes", folds=held, tuningFolds=[])


if __name__ == "__main__":
    main(*sys.argv[1:])
