"""What git's post-receive hook notes of a push, read back."""

from local.bitbucket.pushes import Push, RefChange, read_note

OLD, NEW, NONE = "a" * 40, "b" * 40, "0" * 40


def test_a_note_tells_repository_actor_and_every_ref() -> None:
    note = (
        f"acme/my.repo\nsomeone\n{OLD} {NEW} refs/heads/feature/x\n"
        f"{NONE} {NEW} refs/tags/v1\n{OLD} {NONE} refs/heads/gone\n{NONE} {NEW} refs/exps/a/b\n"
    )

    push = read_note(note.encode())

    assert push == Push(
        "acme/my.repo",
        "someone",
        (
            RefChange(OLD, NEW, "refs/heads/feature/x"),
            RefChange(None, NEW, "refs/tags/v1"),
            RefChange(OLD, None, "refs/heads/gone"),
            RefChange(None, NEW, "refs/exps/a/b"),
        ),
    )
    assert [(change.kind, change.name) for change in push.changes[:3]] == [
        ("branch", "feature/x"),
        ("tag", "v1"),
        ("branch", "gone"),
    ]
    assert push.changes[3].kind is None
    assert push.branches == ["feature/x"]


def test_a_name_with_a_unicode_line_separator_is_one_name() -> None:
    push = read_note(f"acme/x\nme\n{NONE} {NEW} refs/heads/a\u2028b\u0085c\u00a0d\n".encode())

    assert [change.name for change in push.changes] == ["a\u2028b\u0085c\u00a0d"]


def test_bytes_that_are_no_utf8_do_not_stop_the_others() -> None:
    push = read_note(f"acme/x\nme\n{NONE} {NEW} ".encode() + b"refs/heads/\xff\n")

    assert push.branches == ["\ufffd"]
