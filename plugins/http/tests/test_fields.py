"""Header fields as pairs of bytes."""

from hookserve_http.fields import FieldLists

ENVIRON = {"RAW_URI": "/"}


def parse_line(line):
    return None if line.startswith(b"X_Dropped") else line


def head(*lines):
    return b"\r\n".join((b"GET / HTTP/1.1", *lines, b"", b""))


def test_names_are_in_lower_case_and_what_the_rules_drop_is_not_there():
    fields = FieldLists(parse_line, unfolds=False)

    found = fields.of(head(b"Host: x", b"X_Dropped: 1", b"A:  b \t"), ENVIRON)

    assert found == [(b"host", b"x"), (b"a", b"b")]


def test_what_two_heads_have_in_common_takes_memory_once():
    fields = FieldLists(parse_line, unfolds=False)

    first = fields.of(head(b"User-Agent: u", b"Key: 1"), ENVIRON)
    second = fields.of(head(b"Key: 2", b"User-Agent: u"), ENVIRON)

    assert first[0] is second[1]


def test_the_cache_of_lines_is_bounded():
    fields = FieldLists(parse_line, unfolds=False)

    for number in range(1000):
        fields.of(head(b"Key: %d" % number, b"Long: " + b"x" * 300), ENVIRON)

    assert len(fields._line_cache) <= 256
