"""Writes the CDNOW transactions as CSV. Usage: customers_sets.py PACKAGE DIR"""

import datetime
import json
import pathlib
import sys
import zipfile

# learned from up to the first date, tested up to the second
CUT, END = "1997-09-30", "1998-06-30"


def main(package, directory):
    target_dir = pathlib.Path(directory)
    target_dir.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(package) as carrier:
        lines = carrier.read("lifetimes/datasets/CDNOW_sample.txt").decode().splitlines()
    rows = ["customer,day,value"]
    for line in lines:
        if line.strip():
            _, customer, date, _, value = line.split()
            day = datetime.datetime.strptime(date, "%Y%m%d").date().toordinal()
            rows.append(f"{customer},{day},{value}")
    (target_dir / "cdnow.csv").write_text("\n".join(rows) + "\n")
    days = {name: datetime.date.fromisoformat(date).toordinal() for name, date in (("cut", CUT), ("end", END))}
    (target_dir / "cdnow.json").write_text(json.dumps({"name": "cdnow", **days}))


if __name__ == "__main__":
    main(*sys.argv[1:])
