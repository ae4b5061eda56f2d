"""Writes the survival sets as CSV with a manifest and several splits into folds. Usage: survival_sets.py WHEEL DIR"""

import io
import json
import pathlib
import sys
import zipfile

import pandas

from binary_sets import folds

# A split for each: on a few hundred rows the differences between models hang on how they are split.
SPLIT_SEEDS = [20260101, 20261121, 20261122, 20261123]

# name: (file in the carrier package, duration, event, features; None is all others)
SETS = {
    "rossi": ("rossi.csv", "week", "arrest", None),
    "gbsg2": ("gbsg2.csv", "time", "cens", None),
    "lung": ("lung.csv", "time", "status", ["age", "sex", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"]),
    "kidney": ("kidney_transplant.csv", "time", "death", None),
    "regimes": ("dd.csv", "duration", "observed", ["un_continent_name", "democracy", "regime", "start_year"]),
}


def main(wheel, directory):
    target_dir = pathlib.Path(directory)
    target_dir.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as carrier:
        for name, (path, duration, event, features) in SETS.items():
            table = pandas.read_csv(io.BytesIO(carrier.read(f"lifelines/datasets/{path}")))
            happened = table[event] == table[event].max()
            lasted = table[duration]
            features = features or [column for column in table.columns if column not in (duration, event)]
            table = table[features].assign(duration=lasted, happened=happened.map({True: "yes", False: "no"}))
            table.to_csv(target_dir / f"{name}.csv", index=False)
            manifest = {"name": name, "splits": [folds(list(happened), seed) for seed in SPLIT_SEEDS]}
            (target_dir / f"{name}.json").write_text(json.dumps(manifest))
            print(f"{name}: {len(table)} rows, {len(features)} features", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
