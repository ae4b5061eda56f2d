"""Item-item recommenders of implicit on the held-out ratings. Usage: recommend_reference.py DIR"""

import json
import pathlib
import sys

import numpy
import pandas
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from scipy.sparse import csr_matrix

COUNT = 10


def recall(model, learned, held):
    """Mean over the users with something held out: the share of it (at most 10) among the first ten suggestions."""
    model.fit(learned, show_progress=False)
    users = numpy.flatnonzero(held.getnnz(axis=1))
    found, _ = model.recommend(users, learned[users], N=COUNT, filter_already_liked_items=True)
    hits = [len(set(row) & set(held[user].indices)) / min(COUNT, held[user].nnz) for user, row in zip(users, found)]
    return float(numpy.mean(hits))


def main(directory):
    directory = pathlib.Path(directory)
    table = pandas.read_csv(directory / "recommend" / "movielens.csv")
    users, items = table["customer"].astype("category").cat.codes, table["item"].astype("category").cat.codes
    shape = (users.max() + 1, items.max() + 1)
    part = lambda rows: csr_matrix((table["weight"][rows], (users[rows], items[rows])), shape=shape)
    learned, held = part(table["held"] == 0), part(table["held"] == 1)
    models = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
    result = {name: recall(model(K=50), learned, held) for name, model in models.items()}
    print(result, file=sys.stderr)
    (directory / "reference").mkdir(exist_ok=True)
    (directory / "reference" / "recommend.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
