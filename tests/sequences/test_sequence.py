import pickle

from dnabert2_explore.sequences import Sequence


def test_long_sequences_are_shown_short():
    shown = repr(Sequence("chr1", "A" * 2_000_000 + "C" * 12, fields={"species": "Mus musculus"}))
    assert shown == (
        "Sequence('chr1', 2,000,012 bases 'AAAAAAAAAAAA…CCCCCCCCCCCC', "
        "fields={'species': 'Mus musculus'})"
    )


def test_a_sequence_has_a_length_a_hash_and_can_be_pickled():
    sequence = Sequence("a", "ACGT", label="x", fields={"k": "v"})
    assert len(sequence) == 4
    assert {sequence: 1}[sequence] == 1
    assert pickle.loads(pickle.dumps(sequence)) == sequence
