"""BG/NBD and Gamma-Gamma of lifetimes on the CDNOW hold-out. Usage: customers_reference.py DIR"""

import json
import pathlib
import sys

import pandas
from lifetimes import BetaGeoFitter, GammaGammaFitter


def summary(table, cut):
    """Per customer: repeat days, day of the last one and days watched since the first, mean value of the repeats."""
    days = table[table["day"] <= cut].groupby(["customer", "day"])["value"].sum().reset_index()
    rows = []
    for _, group in days.groupby("customer"):
        first, repeats = group["day"].min(), group.iloc[1:]
        rows.append((len(repeats), group["day"].max() - first, cut - first, repeats["value"].mean() if len(repeats) else 0))
    return pandas.DataFrame(rows, columns=["frequency", "recency", "age", "value"])


def main(directory):
    directory = pathlib.Path(directory)
    limits = json.loads((directory / "customers" / "cdnow.json").read_text())
    table = pandas.read_csv(directory / "customers" / "cdnow.csv")
    customers = summary(table, limits["cut"])
    ahead = limits["end"] - limits["cut"]
    buys = BetaGeoFitter(penalizer_coef=0.0).fit(customers["frequency"], customers["recency"], customers["age"])
    expected = buys.conditional_expected_number_of_purchases_up_to_time(
        ahead, customers["frequency"], customers["recency"], customers["age"])
    paid = customers[(customers["frequency"] > 0) & (customers["value"] > 0)]
    spends = GammaGammaFitter(penalizer_coef=0.0).fit(paid["frequency"], paid["value"])
    worth = spends.conditional_expected_average_profit(customers["frequency"], customers["value"])
    later = table[(table["day"] > limits["cut"]) & (table["day"] <= limits["end"])]
    later = later.groupby(["customer", "day"])["value"].sum()
    result = {
        "buys": dict(buys.params_), "spends": dict(spends.params_),
        "transactions": float(expected.sum()), "value": float((expected * worth).sum()),
        "actual": {"transactions": len(later), "value": float(later.sum())},
    }
    print(result, file=sys.stderr)
    (directory / "reference").mkdir(exist_ok=True)
    (directory / "reference" / "customers.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
