"""The same learner in scikit-learn: searched, cross-validated, and then left to go on learning from a stream.

A frame with texts, dates and gaps goes in as it is. fit starts anew; partial_fit goes on, and new classes may appear.
"""

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headwater import nn
from headwater.interop.sklearn import OnlineClassifier

X, y = load_digits(return_X_y=True)
scores = cross_val_score(make_pipeline(StandardScaler(), OnlineClassifier()), X, y, cv=5)
print(f"digits, one pass, five folds: {scores.mean():.1%}")

search = GridSearchCV(OnlineClassifier(hidden=(32,), epochs=5), {"optimizer": [nn.SGD(0.001), nn.Adam(0.01)]}, cv=2)
print("the better update rule:", search.fit(X, y).best_params_["optimizer"])

low, rest = y < 5, y >= 5
stream = OnlineClassifier().partial_fit(X[low], y[low])
print("classes at first:", *stream.classes_)
print("and after the rest has come:", *stream.partial_fit(X[rest], y[rest]).classes_)

rng = np.random.default_rng(1)
trips = pd.DataFrame({"city": rng.choice(np.array(["Oslo", "Rome", None]), 600), "km": rng.exponential(9, 600)})
trips["start"] = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 24 * 60, 600), unit="h")
far = ((trips["city"] == "Oslo") & (trips["km"] > 3)).to_numpy()
print(f"texts, dates and gaps without an encoder: {OnlineClassifier(epochs=3).fit(trips, far).score(trips, far):.1%}")

spam = rng.random(600) < 0.5
texts = [f"{'win' if s else 'meet'} {w}" for s, w in zip(spam, rng.choice(list("abcdefg"), 600), strict=True)]
words = make_pipeline(CountVectorizer(), OnlineClassifier()).fit(texts[:400], spam[:400])
print(f"sparse counts of words, unseen texts: {words.score(texts[400:], spam[400:]):.1%}")
