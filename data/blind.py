"""Baselines that are blind on purpose: what each may see of an example, and the linear model behind them.

A corpus whose stances can be told from the actor's name, or from the sentence without knowing who is asked about, does
not teach reading; `data/validate.py` measures that and every report shows it.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from data.errors import InputError
from data.records import STANCE_ID, STANCES, Example

View = Callable[[Example], str]


def actor_view(row: Example) -> str:
    """The actor's name as the text gives it, and nothing else."""
    return row.mention


def sentence_view(row: Example) -> str:
    """The sentence, blind to which actor is asked about."""
    return row.text


def marked_view(row: Example) -> str:
    """Everything: the actor's name set apart from the words before and after it."""
    before, after = row.text[: row.start].split(), row.text[row.end :].split()
    near = [f"l_{word}" for word in before[-4:]] + [f"r_{word}" for word in after[:6]]
    return " ".join([row.text, *near, f"m_{row.mention.replace(' ', '_')}"])


VIEWS: dict[str, View] = {"majority": actor_view, "actor_only": actor_view, "sentence_only": sentence_view, "tfidf": marked_view}


def fit(kind: str, rows: Sequence[Example]) -> Pipeline:
    """Fit a baseline on the labelled ones of some rows: class frequencies for majority, else TF-IDF with logistic regression.

    On one thread, whatever the process may use: sums in another order led to 36 other answers of 3,970.

    Raises:
        InputError: no row has a label.
    """
    labelled = [row for row in rows if row.stance]
    if not labelled:
        raise InputError(f"{kind}: no labelled mention to learn from; the training split needs some")
    one_stance = len({row.stance for row in labelled}) == 1  # nothing to tell apart, which logistic regression refuses
    classifier = (
        DummyClassifier(strategy="prior")
        if kind == "majority" or one_stance
        else LogisticRegression(C=10, max_iter=2000, class_weight="balanced", random_state=0)
    )
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    pipeline = make_pipeline(vectorizer, classifier)
    with threadpool_limits(1):
        return pipeline.fit([VIEWS[kind](row) for row in labelled], [STANCE_ID[row.stance] for row in labelled if row.stance])


def predict(kind: str, pipeline: Pipeline, rows: Sequence[Example]) -> np.ndarray:
    """Return stance probabilities, shape (n, 3); classes that training never saw get zero."""
    probabilities = np.zeros((len(rows), len(STANCES)))
    probabilities[:, pipeline.classes_] = pipeline.predict_proba([VIEWS[kind](row) for row in rows])
    return probabilities
