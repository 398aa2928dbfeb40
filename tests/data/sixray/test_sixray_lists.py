"""Label lists: every published way to write them, both parsers alike, and a line for what is wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import BadInputError, ShapeError
from beltline.data.sixray import lists
from beltline.data.sixray.lists import NAMES, LabelList, read_label_list, write_label_list

HEADER = "name,Gun,Knife,Wrench,Pliers,Scissors\n"
ROWS = "P00001,1,-1,-1,-1,0\nN00001,-1,-1,-1,-1,-1\n"
LABELS = [[1, -1, -1, -1, 0], [-1, -1, -1, -1, -1]]


def read(tmp_path, text):
    path = tmp_path / "train.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_label_list(path)


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROWS,
        ROWS,
        ROWS.rstrip("\n"),
        HEADER + ROWS + "\n\n",
        (HEADER + ROWS).replace("\n", "\r\n"),
        "\ufeff" + HEADER + ROWS,
        HEADER.lower() + ROWS,
        HEADER + ROWS.replace("P00001", "P00001.jpg").replace("N00001", "N00001.JPG"),
        HEADER + ROWS.replace("P00001", "JPEGImage/train/P00001.jpg"),
        HEADER + ROWS.replace("P00001", '"P00001"'),
        HEADER + ROWS.replace(",1,", ", 1 ,").replace(",0", ",0.0"),
        "name,Scissors,Gun,Knife,Wrench,Pliers\nP00001,0,1,-1,-1,-1\nN00001,-1,-1,-1,-1,-1\n",
    ],
    ids=["usual", "no header", "no last newline", "blank lines", "windows", "bom", "lower case", "extension",
         "folders", "quotes", "spaces", "other order"],
)  # fmt: skip
def test_every_way_to_write_it_reads_alike(tmp_path, text):
    found = read(tmp_path, text)
    assert found.names.tolist() == ["P00001", "N00001"]
    assert found.labels.tolist() == LABELS
    assert found.classes == ("gun", "knife", "wrench", "pliers", "scissors")


def test_zero_means_absent_only_where_no_minus_one_occurs(tmp_path):
    assert read(tmp_path, "P1,1,0,0,0,0\nN1,0,0,0,0,0\n").labels.tolist() == [[1, -1, -1, -1, -1], [-1] * 5]
    assert read(tmp_path, "P1,1,0,-1,-1,-1\n").labels.tolist() == [[1, 0, -1, -1, -1]]


def test_hammer_may_be_a_sixth_column(tmp_path):
    found = read(tmp_path, "P1,1,-1,-1,-1,-1,1\n")
    assert found.classes == (*NAMES, "hammer")
    assert found.labels.tolist() == [[1, -1, -1, -1, -1, 1]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty file"),
        (HEADER, "no image rows"),
        ("hello\n", "expected rows of a name"),
        (HEADER + "P1,1,-1\n", "line 2: expected 5 labels, got 2"),
        (HEADER + ROWS + "P2,1,-1,-1,-1,2\n", "line 4: a label is 1, -1 or 0, got '2'"),
        (HEADER + "P1,1,-1,-1,-1,\n", "line 2: a label is 1, -1 or 0, got ''"),
        (HEADER + ",1,-1,-1,-1,-1\n", "line 2: an image name"),
        (HEADER + "x" * 101 + ",1,-1,-1,-1,-1\n", "line 2: an image name of 1 to 100"),
        (HEADER + "..,1,-1,-1,-1,-1\n", "an image name"),
        ("P1,1,-1,-1\n", "expected 5 labels in a row"),
        ("name,Gun,Knife,Wrench,Pliers,Spoon\n" + ROWS, "expected the columns name,Gun"),
        ("name,Gun,Gun,Wrench,Pliers,Scissors\n" + ROWS, "expected the columns name,Gun"),
        ("name,Gun,,Wrench,Pliers,Scissors\n" + ROWS, "nameless"),
        (b"\xff\xd8\xff\xe0 a jpeg,\x00\n\xfe", "not a text file"),
        (HEADER.encode() + b"P\xff1,1,-1,-1,-1,-1\n", "not a CSV"),
    ],
)
def test_bad_lists_name_file_and_line(tmp_path, text, words):
    with pytest.raises(BadInputError, match=words) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(str(tmp_path / "train.csv"))


def test_missing_list(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        read_label_list(tmp_path / "gone.csv")


def test_labels_must_fit_names():
    with pytest.raises(ShapeError, match=r"\(1, 5\)"):
        LabelList(np.array(["P1"]), np.zeros((1, 4), np.int8))


rows = st.lists(
    st.tuples(
        st.text("PN0123456789_-", min_size=1, max_size=12),
        st.lists(st.sampled_from([-1, 0, 1]), min_size=5, max_size=5),
    ),
    min_size=1,
    max_size=20,
)


@given(rows=rows)
def test_written_and_read_is_the_same(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("lists") / "a.csv"
    labels = np.array([[*values] for _, values in rows], np.int8)
    labels[0, 0] = -1  # else zeros would mean absent
    write_label_list(path, LabelList(np.array([name for name, _ in rows]), labels))
    found = read_label_list(path)
    assert found.names.tolist() == [name for name, _ in rows]
    assert (found.labels == labels).all()


@given(rows=rows)
def test_fast_and_slow_parser_agree(rows, tmp_path_factory):
    body = "".join(f"{name},{','.join(map(str, values))}\n" for name, values in rows).encode()
    fast = lists._read_plain(body, 5)
    slow = lists._read_csv(tmp_path_factory.getbasetemp() / "a.csv", body, 5, first_line=1)
    assert fast is not None
    assert fast[0].tolist() == slow[0].tolist()
    assert (fast[1] == slow[1]).all()
