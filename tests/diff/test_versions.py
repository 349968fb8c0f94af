"""The version that a change asks for, and when the declared one is too small."""

import pytest
from changing import BEFORE, comparison, replaced, without
from competency_graph.diff import Impact
from competency_graph.diff.versions import next_version, read_version


@pytest.mark.parametrize(
    ("version", "major", "minor", "patch"),
    [
        ("1.4.2", "2.0.0", "1.5.0", "1.4.3"),
        ("2.0", "3.0.0", "2.1.0", "2.0.1"),
        ("v3", "4.0.0", "3.1.0", "3.0.1"),
        # Before the first release the second number stands for the first.
        ("0.3.1", "0.4.0", "0.3.2", "0.3.2"),
        # On the way to a version, what its numbers announce is enough.
        ("2.0.0-dev", "2.0.0-dev", "2.0.0-dev", "2.0.0-dev"),
        ("1.5.0-rc.1", "2.0.0", "1.5.0-dev", "1.5.0-dev"),
        ("1.4.3-dev", "2.0.0", "1.5.0", "1.4.3-dev"),
        ("0.1.0-dev", "0.1.0-dev", "0.1.0-dev", "0.1.0-dev"),
        ("0.1.1-dev", "0.2.0", "0.1.1-dev", "0.1.1-dev"),
    ],
)
def test_the_next_version_follows_from_the_impact(
    version: str, major: str, minor: str, patch: str
) -> None:
    read = read_version(version)
    assert read is not None
    impacts: tuple[Impact, ...] = ("major", "minor", "patch")
    assert [str(next_version(read, impact)) for impact in impacts] == [major, minor, patch]


REMOVED = without(BEFORE, "ex:silence")
REWORDED = replaced(BEFORE, ('"Asking"@en', '"Inquiring"@en'))


@pytest.mark.parametrize(
    ("after", "version", "fault"),
    [
        (REMOVED, "1.4.0", "says version 1.4.0, and a major change needs 2.0.0 or more."),
        (REMOVED, "1.5.0", "says version 1.5.0, and a major change needs 2.0.0 or more."),
        (REMOVED, "2.0.0", ""),
        (REMOVED, "2.0.0-dev", ""),
        (REMOVED, "3.1", ""),
        (REWORDED, "1.4.0", "and a patch change needs 1.4.1 or more."),
        (REWORDED, "1.4.1", ""),
        (REWORDED, "2.0.0", ""),
        (REWORDED, "spring", "The version “spring” of “Helping” is not three numbers."),
        (REWORDED, None, "“Helping” no longer says which version it is."),
        (BEFORE, "1.4.0", ""),
        (BEFORE, "1.3.9", "“Helping” goes back from version 1.4.0 to 1.3.9."),
    ],
)
def test_a_version_that_is_too_small_is_told(after: str, version: str | None, fault: str) -> None:
    said = f'owl:versionInfo "{version}"' if version else "skos:notation 1"
    found = comparison(BEFORE, replaced(after, ('owl:versionInfo "1.4.0"', said)))
    (step,) = found.versions
    assert bool(step.fault) == bool(fault) and fault in step.fault
    if fault:
        assert "Write owl:versionInfo" in step.fault


def test_what_belongs_to_another_framework_asks_nothing_of_this_one() -> None:
    both = BEFORE + (
        'ex:second a cg:CompetencyFramework ; skos:prefLabel "Other"@en ; owl:versionInfo "7" .\n'
        'ex:thing a cg:Competency ; skos:prefLabel "Thing"@en ; skos:inScheme ex:second .\n'
    )
    steps = comparison(both, without(both, "ex:thing")).versions
    assert [(step.thing.label, step.impact) for step in steps] == [
        ("Helping", None),
        ("Other", "major"),
    ]
    assert "needs 8.0.0" in steps[1].fault
