"""Kinds: one order, and nothing told apart by colour alone."""

from llmplan.kinds import TOKEN, Kind


def test_kinds_are_their_ids_in_one_order() -> None:
    assert [str(kind) for kind in Kind] == ["api", "hosted", "self_hosted", "hybrid"]
    assert [kind.order for kind in Kind] == [0, 1, 2, 3]
    assert set(TOKEN) < set(Kind)


def test_no_two_kinds_look_alike() -> None:
    for look in ("label", "plural", "letter", "colour"):
        assert len({getattr(kind, look) for kind in Kind}) == len(Kind)
    assert (Kind.API.head, Kind.SELF_HOSTED.head, Kind.HOSTED.plural) == (
        "API",
        "Self-hosted",
        "hosted open models",
    )
