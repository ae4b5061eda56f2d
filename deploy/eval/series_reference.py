"""AutoETS of statsforecast from four rolling origins, a year ahead each, 80 % intervals. Usage: series_reference.py DIR"""

import json
import pathlib
import sys
import time

import numpy
import statsforecast
from statsforecast.models import AutoETS

ORIGINS = 4
LEVEL = 80


def measure(series):
    """Mean MASE (scaled by the seasonal naive errors of the part learned from) and share of values in the interval."""
    values, season = numpy.array(series["values"]), series["season"]
    errors, inside, steps = [], 0, 0
    for origin in range(ORIGINS):
        cut = len(values) - season * (origin + 1)
        learn, actual = values[:cut], values[cut:cut + season]
        forecast = AutoETS(season_length=season).forecast(learn, h=season, level=[LEVEL])
        scale = numpy.abs(learn[season:] - learn[:-season]).mean()
        errors.append(numpy.abs(forecast["mean"] - actual).mean() / scale)
        inside += int(((forecast[f"lo-{LEVEL}"] <= actual) & (actual <= forecast[f"hi-{LEVEL}"])).sum())
        steps += season
    return {"mase": float(numpy.mean(errors)), "errors": [float(e) for e in errors], "coverage": inside / steps}


def main(directory):
    directory, result = pathlib.Path(directory), {"version": statsforecast.__version__, "series": {}}
    start = time.perf_counter()
    for path in sorted((directory / "series").glob("*.json")):
        series = json.loads(path.read_text())
        result["series"][series["name"]] = measure(series)
        print(series["name"], result["series"][series["name"]], file=sys.stderr, flush=True)
    result["seconds"] = time.perf_counter() - start
    (directory / "reference").mkdir(exist_ok=True)
    (directory / "reference" / "series.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
