import bz2
import gzip
import io
import lzma

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences.motifs.files import read_motifs, write_motifs
from dnabert2_explore.sequences.motifs.motif import Motif

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF MA0001.1 FIRST
letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0
 0.5 0.25 0.125 0.125
 0 0 0 1
URL http://example.org

MOTIF second
letter-probability matrix: alength= 4
1 0 0 0
"""

# A report of the whole MEME: names with tabs, a log-odds matrix that is not the motif.
REPORT = """********************************
MEME - Motif discovery tool
********************************
MEME version 5.5.7 (Release date: Wed Jun 19 13:59:04 2024 -0700)

ALPHABET= ACGT

********************************
MOTIF TGAC MEME-1\twidth =   2  sites =  17  llr = 214  E-value = 4.1e-009
********************************
log-odds matrix: alength= 4 w= 2 n= 1800 bayes= 6.7 E= 4.1e-009
  -205   -205    190   -205
   114   -205   -205     14
letter-probability matrix: alength= 4 w= 2 nsites= 17 E= 4.1e-009
 0.0 0.0 1.0 0.0
 0.5 0.0 0.0 0.5
--------------------------------
Time  0.42 secs.
"""

JASPAR = """>MA0067.3\tPAX2
A  [     4     19      0 ]
C  [    16      0      0 ]
G  [     0      1      0 ]
T  [     0      0     20 ]
>MA0001.1 Two words
1 0
0 1
0 0
0 0
"""


def refused(source: object) -> str:
    with pytest.raises(InputError) as caught:
        read_motifs(source)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_meme_minimal():
    first, second = read_motifs(MEME)
    assert (first.accession, first.name, first.sites) == ("MA0001.1", "FIRST", 20)
    np.testing.assert_array_equal(first.probabilities, [[0.5, 0.25, 0.125, 0.125], [0, 0, 0, 1]])
    assert (second.accession, second.name, second.sites) == ("", "second", 0)
    assert second.consensus == "A"


def test_a_whole_meme_report():
    (motif,) = read_motifs(REPORT)
    assert (motif.accession, motif.name, motif.sites) == ("TGAC", "MEME-1", 17)
    np.testing.assert_array_equal(motif.probabilities, [[0, 0, 1, 0], [0.5, 0, 0, 0.5]])


def test_jaspar_with_and_without_letters():
    first, second = read_motifs(JASPAR)
    assert (first.label, first.sites) == ("PAX2 (MA0067.3)", 20)
    np.testing.assert_allclose(
        first.probabilities, [[0.2, 0.8, 0, 0], [0.95, 0, 0.05, 0], [0, 0, 0, 1]]
    )
    assert (second.name, second.consensus) == ("Two words", "AC")


def test_rows_of_jaspar_in_any_order_and_probabilities_have_no_sites():
    (motif,) = read_motifs(">x\nT [0.5 0]\nG [0 0]\nC [0 0]\nA [0.5 1]\n")
    np.testing.assert_array_equal(motif.probabilities, [[0.5, 0, 0, 0.5], [1, 0, 0, 0]])
    assert (motif.name, motif.accession, motif.sites) == ("x", "", 0)


@pytest.mark.parametrize("packed", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("text", [MEME, JASPAR, MEME.replace("\n", "\r\n"), "\ufeff" + JASPAR])
def test_files_of_any_compression_and_line_end(tmp_path, text, packed):
    path = tmp_path / "motifs.txt"
    path.write_bytes(packed(text.encode()))
    labels = [motif.label for motif in read_motifs(text.removeprefix("\ufeff"))]
    for source in (path, str(path), path.open("rb")):
        motifs = read_motifs(source)
        assert [motif.label for motif in motifs] == labels
    assert read_motifs(path)[0].source == "motifs.txt"


def test_open_text():
    assert read_motifs(io.StringIO(JASPAR), name="upload")[0].source == "upload"


@pytest.mark.parametrize("name", ["a.meme", "a.meme.gz"])
def test_writing_and_reading_again(tmp_path, name, motif_of):
    motifs = [motif_of(9, "one"), motif_of(4, "two words")]
    motifs[0] = Motif("one", motifs[0].probabilities, "MA0009.1", 31)
    path = tmp_path / name
    write_motifs(path, motifs)
    first, second = read_motifs(path)
    assert (first.name, first.accession, first.sites) == ("one", "MA0009.1", 31)
    assert (second.name, second.accession, second.sites) == ("two_words", "", 0)
    for before, after in zip(motifs, (first, second), strict=True):
        np.testing.assert_allclose(before.probabilities, after.probabilities, atol=2e-6)
    content = path.read_bytes()
    write_motifs(path, motifs)
    assert path.read_bytes() == content


@pytest.fixture
def motif_of():
    rng = np.random.default_rng(3)

    def make(length: int, name: str) -> Motif:
        return Motif(name, rng.dirichlet([0.5] * 4, length))

    return make


def test_another_reader_reads_what_we_write(tmp_path, motif_of):
    from memelite.io import read_meme

    before = [Motif("one", motif_of(7, "one").probabilities, "MA1", 12), motif_of(5, "two")]
    write_motifs(tmp_path / "m.meme", before)
    after = read_meme(str(tmp_path / "m.meme"))
    assert list(after) == ["MA1 one", "two"]
    for motif, matrix in zip(before, after.values(), strict=True):
        np.testing.assert_allclose(matrix.T, motif.probabilities, atol=2e-6)


def test_a_failed_writing_leaves_the_file(tmp_path, motif_of):
    path = tmp_path / "a.meme"
    write_motifs(path, [motif_of(3, "kept")])

    def broken():
        yield motif_of(3, "new")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_motifs(path, broken())
    assert read_motifs(path)[0].name == "kept"
    with pytest.raises(InputError, match="There are no motifs to write"):
        write_motifs(path, [])
    with pytest.raises(InputError, match="choose a folder that exists"):
        write_motifs(tmp_path / "none" / "a.meme", [motif_of(3, "lost")])
    assert [p.name for p in tmp_path.iterdir()] == ["a.meme"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("ALPHABET= ACGT", "ALPHABET= ACDEFGHIKLMNPQRSTVWY", 3, "expected ACGT"),
        ("MOTIF MA0001.1 FIRST", "MOTIF", 10, "has no name"),
        ("MOTIF second\n", "", 16, "stands without a name"),
        ("0 0 0 1\n", "0 0 1\n", 13, "four probabilities"),
        ("0 0 0 1\n", "0 0 0 0.9\n", 13, "sum to 1"),
        ("0 0 0 1\n", "-1 0 1 1\n", 13, "four probabilities"),
        ("0 0 0 1\n", "0 0 0 one\n", 11, "has 1 rows; expected 2"),
        ("w= 2", "w= 3", 11, "has 2 rows; expected 3"),
        ("1 0 0 0\n", "", 17, "has 0 rows; expected at least one"),
        ("alength= 4\n", "alength= 20\n", 17, "has 20 letters"),
        ("letter-probability matrix: alength= 4\n1 0 0 0\n", "", 16, "motif second has no letter"),
    ],
)
def test_faults_of_meme_name_their_line(tmp_path, old, new, line, said):
    path = tmp_path / "bad.meme"
    assert MEME.count(old) == 1
    path.write_text(MEME.replace(old, new))
    message = refused(path)
    assert message.startswith(f"{path}, line {line}: ")
    assert said in message


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        (">MA0001.1 Two words", ">", 6, "has no name"),
        ("C  [    16      0      0 ]\n", "", 1, "has 3 rows of 3 numbers"),
        ("C  [    16      0      0 ]", "C  [ 16 0 ]", 1, "4 rows of 2 and 3 numbers"),
        ("C  [    16      0      0 ]", "C  [ 16 x 0 ]", 3, "is no row of the matrix"),
        ("C  [    16      0      0 ]", "A  [ 16 0 0 ]", 3, "expected one row each"),
        ("C  [    16      0      0 ]", "C  [ -16 0 0 ]", 1, "no counts or probabilities"),
        ("0 1\n0 0\n0 0\n", "0 1\n0 0\n0 0\n5 5\n", 11, "is no row of the matrix"),
        ("T  [     0      0     20 ]", "T  [ 0 0 nan ]", 5, "is no row of the matrix"),
    ],
)
def test_faults_of_jaspar_name_their_line(tmp_path, old, new, line, said):
    path = tmp_path / "bad.jaspar"
    assert JASPAR.count(old) == 1
    path.write_text(JASPAR.replace(old, new))
    message = refused(path)
    assert message.startswith(f"{path}, line {line}: ")
    assert said in message


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "x"
    path.write_text("\n \n")
    assert "is empty; expected motifs" in refused(path)
    path.write_text("sequence,label\nACGT,1\n")
    assert f"{path}, line 1: 'sequence,label' begins no file of motifs" in refused(path)
    path.write_text(">chr1\nACGTACGT\n")
    assert "line 2: 'ACGTACGT' is no row of the matrix" in refused(path)
    path.write_text("MEME version 4\n")
    assert "holds no motif" in refused(path)
    path.write_bytes(bytes(range(256)) * 4)
    assert "is a binary file; expected motifs" in refused(path)
    path.write_bytes(gzip.compress(MEME.encode())[:-9])
    assert "is truncated" in refused(path)
    assert "There is no file" in refused(tmp_path / "missing.meme")
    assert "cannot be read from int" in refused(3)


def test_codes_of_a_word_stand_for_their_bases():
    matrix = Motif.of_word("augWN").probabilities
    np.testing.assert_array_equal(matrix[:3], np.eye(4)[[0, 3, 2]])
    np.testing.assert_allclose(matrix[3:], [[0.5, 0, 0, 0.5], [0.25] * 4])


def test_of_word_information_trimming_and_the_other_strand():
    matrix = np.array([[0.25] * 4, [1, 0, 0, 0], [0.25] * 4, [0, 0, 0, 1], [0.3, 0.3, 0.2, 0.2]])
    motif = Motif("m", matrix)
    np.testing.assert_allclose(motif.information[:4], [0, 2, 0, 2])
    assert motif.trimmed().consensus[::2] == "AT"
    assert len(motif.trimmed()) == 3
    assert len(Motif("even", np.full((5, 4), 1.0)).trimmed()) == 5
    back = motif.reverse_complement()
    np.testing.assert_array_equal(back.probabilities[1], [1, 0, 0, 0])
    np.testing.assert_array_equal(back.reverse_complement().probabilities, motif.probabilities)
    for word in ("TGX", "ß", ""):  # in upper case ß is SS
        with pytest.raises(InputError, match=f"'{word}' is no motif"):
            Motif.of_word(word)


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.ones((3, 3)), "shape"),
        (np.ones((0, 4)), "shape"),
        ([[1, 0, 0, 0], [0, 0, 0, 0]], "position 2"),
        ([[1, -1, 1, 0]], "position 1"),
        ([[np.nan, 1, 0, 0]], "position 1"),
    ],
)
def test_matrices_that_are_no_motif(matrix, said):
    with pytest.raises(InputError, match=said):
        Motif("bad", matrix)


def test_drawn_sites_follow_the_probabilities():
    motif = Motif("m", [[0.7, 0.1, 0.1, 0.1], [0, 0.5, 0.5, 0]])
    rng = np.random.default_rng(0)
    sites = [motif.sample(rng) for _ in range(4000)]
    assert np.mean([site[0] == "A" for site in sites]) == pytest.approx(0.7, abs=0.03)
    assert {site[1] for site in sites} == {"C", "G"}


# Four positions, a row each: HOMER and HOCOMOCO. Read as rows of A, C, G, T it was another motif.
HOMER = """>TGAC\tAP-1(bZIP)/ThioMac/Homer\t6.05\t-1782.9\t0
0.001\t0.001\t0.001\t0.997
0.010\t0.002\t0.965\t0.023
0.984\t0.003\t0.001\t0.012
0.062\t0.579\t0.305\t0.054
"""
HOCOMOCO = "> AHR_si\n0 0 0 20\n1 1 18 0\n20 0 0 0\n2 12 4 2\n"
CIS_BP = """TF\tT000001
TF Name\tFOS
Gene\tENSG1
Motif\tM1734_0.90
Pos\tA\tC\tG\tT
1\t0.0\t0.0\t0.0\t1.0
2\t0.0\t0.0\t1.0\t0.0
3\t1.0\t0.0\t0.0\t0.0
4\t0.0\t0.9\t0.1\t0.0
"""
TRANSFAC = """VV  TRANSFAC
XX
AC  M00001
XX
ID  V$AP1_01
NA  AP-1
P0      A      C      G      T
01      0      0      0     20      T
02      1      1     18      0      G
03     20      0      0      0      A
04      2     12      4      2      C
XX
//
"""


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (HOMER, "AP-1(bZIP)/ThioMac/Homer"),
        (HOCOMOCO, "AHR_si"),
        ("\ufeff# a comment\n" + HOCOMOCO, "AHR_si"),
        (CIS_BP, "FOS (M1734_0.90)"),
        (CIS_BP.replace("Pos\tA\tC\tG\tT", "Pos\tA\tC\tG\tU"), "FOS (M1734_0.90)"),
        (TRANSFAC, "AP-1 (M00001)"),
        (">x\nA [0 0 20 2]\nC [0 1 0 12]\nG [0 18 0 4]\nT [20 1 0 2]\n", "x"),
        (">x\n0 1 20 2\n0 1 0 12\n0 18 0 4\n20 0 0 2\n", "x"),  # JASPAR without letters
    ],
)
def test_a_matrix_of_four_positions_is_that_motif_in_every_format(text, label):
    (motif,) = read_motifs(text)
    assert (motif.consensus, motif.label) == ("TGAC", label)


def test_matrices_of_other_lengths_have_a_row_for_each_position():
    longer, shorter = HOMER + "0.9\t0.1\t0\t0\n", HOMER.rsplit("\n", 3)[0]
    assert [read_motifs(text)[0].consensus for text in (longer, shorter)] == ["TGACA", "TG"]
    (both,) = {tuple(m.consensus for m in read_motifs(HOCOMOCO + HOCOMOCO[:-10]))}
    assert both == ("TGAC", "TGA")


def test_four_by_four_that_could_be_either_is_refused():
    even = ">x\n1 0 0 0\n0 0 1 0\n0 1 0 0\n0 0 0 1\n"  # the same both ways
    assert read_motifs(even)[0].consensus == "AGCT"
    for text in (
        ">x\n0 1 0 0\n0 0 1 0\n0 0 0 1\n1 0 0 0\n",  # rows and columns sum to one
        ">x\n1 2 3 4\n5 6 7 9\n1 0 1 1\n2 2 2 8\n",  # neither does
    ):
        with pytest.raises(InputError, match="line 1: four rows of four numbers may be four pos"):
            read_motifs(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HOMER + "0.1 0.9 0\n",
            r"line 6: '0.1 0.9 0' is no row of the matrix that begins in",
        ),
        (HOMER + "0.1 0.9 -1 1\n", "line 6: .* expected four numbers from 0"),
        (CIS_BP.replace("\n3\t", "\n4\t"), "line 8: .* expected the position 3"),
        (CIS_BP.replace("A\tC\tG", "A\tA\tG"), "line 5: .* names a base twice"),
        (TRANSFAC.replace("//", ""), "holds 1 TRANSFAC matrices, of which 0 end"),
        (TRANSFAC.replace("18", "x"), r"cannot be read as TRANSFAC \("),
    ],
)
def test_faults_of_the_other_formats(text, said):
    with pytest.raises(InputError, match=said):
        read_motifs(text)


def test_numbers_of_sites_without_end_are_no_numbers():
    assert read_motifs(MEME.replace("nsites= 20", f"nsites= {'9' * 400}"))[0].sites == 0
    assert read_motifs(MEME.replace("nsites= 20", "nsites= ..3"))[0].sites == 0
    assert read_motifs(MEME.replace("nsites= 20", "nsites= 7.0.1"))[0].sites == 7
    with pytest.raises(InputError):
        read_motifs(">x\n1e308 1e308\n1e308 1e308\n0 0\n0 0\n")
