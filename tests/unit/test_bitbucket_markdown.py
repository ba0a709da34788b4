"""The stand-in's Markdown: what becomes markup, and that nothing else does."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.bitbucket.markdown import rendered

OURS = re.compile(
    r"</?(?:p|pre|h[1-6]|ul|li|table|thead|tbody|tr|th|td|strong|code)>|<br>"
    r'|<a href="https?://[^"<>\s]*" rel="noreferrer">|</a>'
)
MARKS = st.text(alphabet="ab|*`#-_[]()<>&\"' \\\n~:/.htps", max_size=200)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "<p>plain</p>"),
        ("## Title ##", "<h2>Title</h2>"),
        ("- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("`<b>` and **x**", "<p><code>&lt;b&gt;</code> and <strong>x</strong></p>"),
        ("```\n<i>\n```\nafter", "<pre>&lt;i&gt;</pre><p>after</p>"),
        (
            "a | b\n--|--\n1 | x\\|y",
            (
                "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
                "<tbody><tr><td>1</td><td>x|y</td></tr></tbody></table>"
            ),
        ),
        (
            "[job](https://example.com/?a=1&b=2)",
            '<p><a href="https://example.com/?a=1&amp;b=2" rel="noreferrer">job</a></p>',
        ),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
    ],
)
def test_the_markdown_of_a_report_becomes_html(text: str, html: str) -> None:
    assert rendered(text) == html


@given(MARKS)
def test_no_text_gets_a_tag_of_its_own_through(text: str) -> None:
    assert re.search(r"[<>]", OURS.sub("", rendered(text))) is None


@pytest.mark.parametrize(
    "piece", ["`", "**", "[", "[a](", "| ", "# ", "- ", "```\n", "-|\n", "a|\n"]
)
def test_the_longest_texts_take_no_time(piece: str) -> None:
    began = time.process_time()
    rendered(piece * (60_000 // len(piece)))

    assert time.process_time() - began < 5
