"""Files of queries: what is read, and what is said about cells that break rules."""

import numpy as np
import pytest

from llmplan.router.queries import QueryFileError, TokenPrices, read_queries, spread_gain

HEAD = (
    "dataset,query_id,task,score_a,weak_quality,strong_quality,weak_cost,strong_cost,"
    "in_tok,weak_out_tok,strong_out_tok"
)


def write(tmp_path, *lines, head=HEAD, encoding="utf-8"):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding=encoding)
    return path


def test_reads_data_sets_in_order_with_extra_columns_and_bom(tmp_path):
    path = write(
        tmp_path,
        "b,1,t,0.1,0,1,0.1,1,10,5,5,x",
        "a,1,t,0.2,0.5,1,0.1,1,10,5,5,y",
        "",
        head=HEAD + ",more",
        encoding="utf-8-sig",
    )
    data = read_queries(path)
    assert list(data) == ["b", "a"]
    assert data["a"].weak_quality.tolist() == [0.5]
    assert data["b"].scores["a"].tolist() == [0.1]


def test_prices_win_over_costs(tmp_path):
    data = read_queries(write(tmp_path, "a,1,t,0.2,0,1,9,9,1000,500,200"), TokenPrices(1, 2, 3, 15))["a"]
    assert data.weak_usd == pytest.approx([0.002])
    assert data.strong_usd == pytest.approx([0.006])


def test_every_bad_cell_is_named_at_once(tmp_path):
    path = write(tmp_path, "a,1,t,,0,1,1,1,1,1,1", "a,2,t,nan,oops,1,1,-1,1,1,1")
    with pytest.raises(QueryFileError) as caught:
        read_queries(path)
    text = str(caught.value)
    assert "line 3, column score_a = 'nan'" in text and "line 2, column score_a = ''" in text
    assert "line 3, column weak_quality = 'oops'" in text and "line 3, column strong_cost = '-1'" in text
    assert len(caught.value.problems) == 4


def test_router_blank_throughout_a_data_set_is_absent_there(tmp_path):
    head = HEAD + ",score_b"
    data = read_queries(write(tmp_path, "a,1,t,1,0,1,1,1,1,1,1,2", "b,1,t,1,0,1,1,1,1,1,1,", head=head))
    assert set(data["a"].scores) == {"a", "b"} and set(data["b"].scores) == {"a"}


def test_costs_blank_throughout_a_data_set_are_absent_there(tmp_path):
    path = write(tmp_path, "a,1,t,1,0,1,,,10,5,5", "b,1,t,1,0,1,0.1,1,,,")
    data = read_queries(path)
    assert not data["a"].has_costs and data["b"].has_costs
    with pytest.raises(QueryFileError, match="data set 'b': no in_tok, out_tok to price"):
        read_queries(path, TokenPrices(1, 1, 1, 1))


def test_absurd_numbers_are_refused(tmp_path):
    path = write(tmp_path, "a,1,t,-1e300,0,1,1e300,1,1,1,1", "a,2,t,-inf,0,1,1,1,1,1,1")
    with pytest.raises(QueryFileError) as caught:
        read_queries(path)
    assert str(caught.value).count("is beyond 1e+12") == 2
    assert "line 3, column score_a = '-inf': is not a finite number" in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "head", "said"),
    [
        (["1;0;1"], "score_a;weak_quality;strong_quality", "semicolons"),
        ([",0,1"], "score_a,weak_quality,strong_quality", "every score is blank"),
        ([], HEAD, "holds no query"),
        (["1,2"], "score_a,score_a", "stands twice"),
        (["1,2,3"], "score_a,weak_quality", "3 cells under 2 headings"),
        (["1,0,1"], "id,weak_quality,strong_quality", "no score"),
        (["1"], "score_a", "no outcomes"),
    ],
)
def test_files_without_what_is_needed(tmp_path, lines, head, said):
    with pytest.raises(QueryFileError, match=said):
        read_queries(write(tmp_path, *lines, head=head))


def test_missing_file(tmp_path):
    with pytest.raises(QueryFileError, match="cannot be read"):
        read_queries(tmp_path / "none.csv")


def test_own_queries_with_labels_and_tokens(tmp_path):
    path = write(
        tmp_path, "easy,100,50", "hard,400,300", "easy,100,50", "hard,400,300", head="label,in_tok,out_tok"
    )
    data = read_queries(path, TokenPrices(1, 1, 10, 10), 0.8, 0.9)["mine"]
    assert data.weak_quality.mean() == pytest.approx(0.8)
    assert data.weak_quality == pytest.approx([0.9, 0.7, 0.9, 0.7])
    assert data.strong_usd[1] == pytest.approx(0.007)


def test_gap_that_the_hard_queries_cannot_hold(tmp_path):
    path = write(tmp_path, "easy", "easy", "hard", head="label")
    with pytest.raises(QueryFileError, match=r"more than 33\.3%"):
        read_queries(path, None, 0.2, 0.9)


def test_spread_gain_keeps_the_mean_and_the_cap():
    gain = spread_gain(np.array([0.0, 0.1, 5.0]), 0.4, 0.9)
    assert gain.mean() == pytest.approx(0.4) and gain.max() <= 0.9 and gain[0] == 0


def test_qualities_may_lie_below_zero(tmp_path):
    path = write(tmp_path, "-2,-1.5,0.25", "1,-0.5,-0.25", head="score_a,weak_quality,strong_quality")
    (data,) = read_queries(path).values()
    assert (data.weak_quality.tolist(), data.strong_quality.tolist()) == ([-1.5, -0.5], [0.25, -0.25])
