"""Writes src/learn/fixtures: made-up data with what the reference packages say of them. Usage: fixtures.py DIR

The tests of `learn` compare with these figures, so that they need neither network nor Python.
"""

import json
import math
import pathlib
import sys

import lightgbm
import numpy
import pandas
import shap
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.utils import concordance_index
from lifetimes import BetaGeoFitter, GammaGammaFitter
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.metrics import adjusted_rand_score, average_precision_score, silhouette_score
from sklearn.mixture import GaussianMixture
from statsforecast.models import AutoETS, Theta
from statsmodels.tsa.seasonal import MSTL, STL

PRECISION = 10


def plain(value):
    """Arrays as lists, with as many digits as matter."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, numpy.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, (float, numpy.floating)):
        return float(f"{value:.{PRECISION}g}")
    return int(value) if isinstance(value, numpy.integer) else value


def monthly(chance, count, growth):
    time = numpy.arange(count)
    season = 1 + 0.25 * numpy.sin(2 * math.pi * time / 12) + 0.1 * numpy.cos(4 * math.pi * time / 12)
    return (100 + growth * time) * season * (1 + 0.03 * chance.standard_normal(count))


def series():
    chance = numpy.random.default_rng(7)
    values = monthly(chance, 96, 1.5)
    flat = 50 + chance.standard_normal(60).cumsum()
    daily = 200 + 20 * numpy.sin(2 * math.pi * numpy.arange(150) / 7) + 0.3 * numpy.arange(150)
    daily = daily + 30 * numpy.sin(2 * math.pi * numpy.arange(150) / 30) + chance.standard_normal(150)
    stl = STL(values, period=12, seasonal=11, trend=21, low_pass=13).fit()
    mstl = MSTL(daily, periods=(7, 30)).fit()
    return {
        "values": values,
        "flat": flat,
        "daily": daily,
        "theta": Theta(season_length=12).forecast(values, h=12)["mean"],
        "ets": AutoETS(season_length=12).forecast(values, h=12)["mean"],
        "etsFlat": AutoETS(season_length=1).forecast(flat, h=6)["mean"],
        "stl": {"season": stl.seasonal, "trend": stl.trend},
        "mstl": {"seasons": mstl.seasonal.T, "trend": mstl.trend},
    }


def survival():
    chance = numpy.random.default_rng(11)
    risk = chance.standard_normal(80).round(1)
    lasted = numpy.ceil(20 * chance.exponential(numpy.exp(-risk))).clip(1, 60)
    watched = chance.integers(5, 60, 80)
    duration, happened = numpy.minimum(lasted, watched), (lasted <= watched).astype(int)
    curve = KaplanMeierFitter().fit(duration, happened)
    frame = pandas.DataFrame({"duration": duration, "happened": happened, "risk": risk / risk.std()})
    times = [1, 5, 10, 20, 30, 45]
    within = curve.confidence_interval_survival_function_.reindex(times, method="ffill")
    return {
        "duration": duration, "happened": happened, "risk": risk, "times": times,
        "left": curve.survival_function_at_times(times).to_numpy(),
        "low": within.iloc[:, 0].to_numpy(), "high": within.iloc[:, 1].to_numpy(),
        "concordance": concordance_index(duration, -risk, happened),
        "cox": float(CoxPHFitter().fit(frame, "duration", "happened").params_["risk"]),
    }


def customers():
    chance = numpy.random.default_rng(13)
    rows = []
    for _ in range(300):
        rate, stop = chance.gamma(0.8, 1 / 8), chance.beta(1.2, 3)
        time, age, repeats, recency, worth = 0.0, float(chance.integers(20, 60)), 0, 0.0, chance.gamma(4, 1 / 0.1)
        while chance.random() > stop or repeats == 0:
            time += chance.exponential(1 / rate)
            if time > age:
                break
            repeats, recency = repeats + 1, time
        value = chance.gamma(6 * repeats, worth / 6 / repeats) if repeats else 0.0
        rows.append((repeats, round(recency, 3), age, round(value, 2)))
    table = pandas.DataFrame(rows, columns=["repeats", "recency", "age", "value"])
    known = (table["repeats"], table["recency"], table["age"])
    buys = BetaGeoFitter().fit(*known)
    paid = table[table["value"] > 0]
    spends = GammaGammaFitter().fit(paid["repeats"], paid["value"])
    return {
        "rows": rows,
        "buys": list(buys.params_), "spends": list(spends.params_),
        "expected": buys.conditional_expected_number_of_purchases_up_to_time(26, *known).to_numpy(),
        "alive": buys.conditional_probability_alive(*known),
        "worth": spends.conditional_expected_average_profit(table["repeats"], table["value"]).to_numpy(),
    }


def grown(chance, depth, features):
    """A random tree in the layout of the shap package: children after their parent, -1 for none."""
    tree = {key: [] for key in ("children_left", "children_right", "features", "thresholds", "values", "cover")}

    def add(depth, cover):
        place = len(tree["values"])
        leaf = depth == 0 or cover < 4 or chance.random() < 0.15
        for key, value in (("children_left", -1), ("children_right", -1), ("features", int(chance.integers(features))),
                           ("thresholds", float(chance.standard_normal())), ("cover", float(cover))):
            tree[key].append(value)
        tree["values"].append(float(chance.standard_normal()))
        if leaf:
            tree["features"][place] = -2
        else:
            left = int(chance.integers(1, cover))
            tree["children_left"][place] = add(depth - 1, left)
            tree["children_right"][place] = add(depth - 1, cover - left)
        return place

    add(depth, 200)
    return tree


def shapley():
    chance, features = numpy.random.default_rng(17), 5
    trees = [grown(chance, depth, features) for depth in (1, 2, 4, 5, 6)]
    rows = chance.standard_normal((20, features))
    made = [
        {"children_left": numpy.array(tree["children_left"]), "children_right": numpy.array(tree["children_right"]),
         "children_default": numpy.array(tree["children_left"]), "features": numpy.array(tree["features"]),
         "thresholds": numpy.array(tree["thresholds"]), "values": numpy.array(tree["values"]).reshape(-1, 1),
         "node_sample_weight": numpy.array(tree["cover"])}
        for tree in trees
    ]
    explainer = shap.TreeExplainer({"trees": made}, feature_perturbation="tree_path_dependent")
    values = explainer.shap_values(rows, check_additivity=False)
    return {"trees": trees, "rows": rows, "base": float(numpy.ravel(explainer.expected_value)[0]),
            "values": numpy.asarray(values).reshape(len(rows), features)}


def missing_and_levels(chance, rows):
    """Numbers with gaps and a category as flags; yes is likelier with more of the first and in the north."""
    table = chance.standard_normal((rows, 5))
    place = chance.integers(0, 3, rows)
    table[:, 2], table[:, 3] = place == 0, place == 1
    score = 2 * table[:, 0] + numpy.where(table[:, 2] > 0, 1.5, -0.5) + table[:, 1] * table[:, 4]
    outcome = (chance.random(rows) < 1 / (1 + numpy.exp(-score))).astype(int)
    for column in (0, 1, 4):
        table[chance.random(rows) < 0.2, column] = math.nan
    return table.round(4), outcome


def flattened(tree):
    """A tree of LightGBM in the layout of the shap package: children after their parent, NaN to the default child."""
    keys = ("children_left", "children_right", "children_default", "features", "thresholds", "values", "cover")
    flat = {key: [] for key in keys}

    def add(node):
        place, leaf = len(flat["values"]), "leaf_value" in node
        added = (-1, -1, -1, -2, 0.0, node["leaf_value"], node["leaf_count"]) if leaf else (
            0, 0, 0, node["split_feature"], node["threshold"], node["internal_value"], node["internal_count"])
        for key, value in zip(keys, added):
            flat[key].append(value)
        if not leaf:
            flat["children_left"][place] = add(node["left_child"])
            flat["children_right"][place] = add(node["right_child"])
            flat["children_default"][place] = flat["children_left" if node["default_left"] else "children_right"][place]
        return place

    add(tree)
    return flat


def shapley_trained():
    table, outcome = missing_and_levels(numpy.random.default_rng(29), 600)
    options = {"objective": "binary", "num_leaves": 8, "learning_rate": 0.2, "min_data_in_leaf": 10, "verbose": -1,
               "deterministic": True, "num_threads": 1, "seed": 1}
    model = lightgbm.train(options, lightgbm.Dataset(table, outcome), 15)
    trees = [flattened(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]
    made = [
        {**{key: numpy.array(tree[key]) for key in tree if key not in ("values", "cover")},
         "values": numpy.array(tree["values"], float).reshape(-1, 1), "node_sample_weight": numpy.array(tree["cover"], float)}
        for tree in trees
    ]
    rows = table[:40]
    explainer = shap.TreeExplainer({"trees": made}, feature_perturbation="tree_path_dependent")
    values = numpy.asarray(explainer.shap_values(rows, check_additivity=False)).reshape(len(rows), -1)
    raw = model.predict(rows, raw_score=True)
    base = float(numpy.ravel(explainer.expected_value)[0])
    assert numpy.abs(base + values.sum(axis=1) - raw).max() < 1e-6
    gaps = [[None if math.isnan(value) else value for value in row] for row in rows.tolist()]
    return {"trees": trees, "rows": gaps, "base": base, "values": values, "raw": raw}


def groups():
    chance = numpy.random.default_rng(19)
    centres = [((0, 0), 0.6), ((4, 1), 0.9), ((1, 5), 0.5)]
    points = numpy.vstack([chance.normal(centre, spread, (60, 2)) for centre, spread in centres]).round(4)
    truth = numpy.repeat([0, 1, 2], 60)
    near = KMeans(n_clusters=3, n_init=10, random_state=1).fit(points)
    mixture = GaussianMixture(n_components=3, n_init=3, random_state=1, tol=1e-5, max_iter=200).fit(points)
    odd = numpy.vstack([points, chance.uniform(-6, 11, (18, 2))]).round(4)
    labels = numpy.r_[numpy.zeros(180), numpy.ones(18)]
    precisions = [
        average_precision_score(labels, -IsolationForest(n_estimators=200, random_state=seed).fit(odd).score_samples(odd))
        for seed in range(10)
    ]
    return {
        "points": points, "truth": truth, "inertia": near.inertia_, "logLikelihood": mixture.score(points) * len(points),
        "kMeansRand": adjusted_rand_score(truth, near.labels_),
        "mixtureRand": adjusted_rand_score(truth, mixture.predict(points)),
        "silhouette": silhouette_score(points, near.labels_),
        "odd": odd, "precision": float(numpy.mean(precisions)),
    }


def main(directory):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for name, made in {"series": series, "survival": survival, "customers": customers, "shapley": shapley,
                       "shapley-trained": shapley_trained, "groups": groups}.items():
        (directory / f"{name}.json").write_text(json.dumps(plain(made())) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
