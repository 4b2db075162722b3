from benchmarks.correlations import by_method, correlations, table
from benchmarks.method_rows import Row

# Two seeds of the first method: its mean is what counts.
ROWS = [
    Row("A", 0, {"val/knn_accuracy": 0.4, "val/linear_accuracy": 0.9, "val/rld_0.1": 0.1, "val/rankme": 5.0}),
    Row("A", 1, {"val/knn_accuracy": 0.8, "val/linear_accuracy": 0.9, "val/rld_0.1": 0.1, "val/rankme": 5.0}),
    *(
        Row(
            f"B{place}", 0, {"val/knn_accuracy": 0.7 + place / 100, "val/linear_accuracy": -place, "val/rld_0.1": place}
        )
        for place in range(1, 6)
    ),
    Row("raw pixels", 0, {"val/knn_accuracy": 1.0}),
]


def test_each_method_counts_once_with_the_mean_over_its_seeds() -> None:
    rows = by_method(ROWS, without=["raw pixels"])
    assert [len(one) for one in rows] == [2, 1, 1, 1, 1, 1]
    found = correlations(rows, {"RLD": "val/rld_0.1"}, {"kNN": "val/knn_accuracy", "linear": "val/linear_accuracy"})
    assert found["RLD"][0].startswith("+1.00")
    assert found["RLD"][1].startswith("-1.00")


def test_a_difference_of_two_scalars_is_a_target() -> None:
    rows = by_method(ROWS, without=["raw pixels"])
    difference = {"difference": ("val/linear_accuracy", "val/knn_accuracy")}
    assert correlations(rows, {"RLD": "val/rld_0.1"}, difference)["RLD"][0].startswith("-1.00")


def test_a_measure_that_some_method_lacks_is_left_out() -> None:
    rows = by_method(ROWS, without=["raw pixels"])
    text = table({"mnist": rows})
    assert "mnist, kNN (6)" in text
    assert "| RankMe |  |  |" in text
    assert not correlations(rows, {"RankMe": "val/rankme"}, {"kNN": "val/knn_accuracy"})
