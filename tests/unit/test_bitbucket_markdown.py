"""The stand-in's Markdown: what becomes markup, and that nothing else does."""

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.bitbucket.download_addresses import own_picture
from local.bitbucket.markdown import rendered
from local.bitbucket.shapes import Addresses
from tests.unit.cpu_time import at_most

OURS = re.compile(
    r"</?(?:p|pre|h[1-6]|ul|li|table|thead|tbody|tr|th|td|strong|code)>|<br>"
    r'|<a href="https?://[^"<>\s]*" rel="noreferrer"(?: title="[^"<>]*")?>|</a>'
    r'|<img src="/[^"<>\s]*" alt="[^"<>]*"(?: title="[^"<>]*")?>'
)
HERE = "http://127.0.0.1:80"
ADDRESSES = Addresses(api=f"{HERE}/2.0", pages=HERE)
PICTURE = f"{HERE}/acme/x/downloads/p.png"
# Characters that mean something, and pieces that chance would seldom put together.
MARKS = st.lists(
    st.sampled_from(
        [
            *"ab|*`#-_[]()<>&\"' \\\n~:/!",
            "](",
            "![",
            PICTURE,
            ' "',
            '")',
            "https://x.y",
            "javascript:",
        ]
    ),
    max_size=60,
).map("".join)


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
        ("![x](javascript:alert(1))", "<p>![x](javascript:alert(1))</p>"),
        ("![x](data:text/html,y)", "<p>![x](data:text/html,y)</p>"),
        (
            '[job](https://example.com/ "its <b> log")',
            (
                '<p><a href="https://example.com/" rel="noreferrer" title="its &lt;b&gt; log">'
                "job</a></p>"
            ),
        ),
        (
            f"![a'b<c>]({PICTURE} \"t'x\")",
            ('<p><img src="/acme/x/downloads/p.png" alt="a&#39;b&lt;c&gt;" title="t&#39;x"></p>'),
        ),
        (
            f'![" onerror="alert(1)]({PICTURE})',
            '<p><img src="/acme/x/downloads/p.png" alt="&#34; onerror=&#34;alert(1)"></p>',
        ),
        (
            f'![x]({PICTURE} "y" onerror="z")',
            (
                "<p>![x](http://127.0.0.1:80/acme/x/downloads/p.png"
                " &#34;y&#34; onerror=&#34;z&#34;)</p>"
            ),
        ),
        (
            "![loss](https://elsewhere.example/p.png)",
            '<p><a href="https://elsewhere.example/p.png" rel="noreferrer">loss</a></p>',
        ),
        (
            "![](https://elsewhere.example/p.png)",
            (
                '<p><a href="https://elsewhere.example/p.png" rel="noreferrer">'
                "https://elsewhere.example/p.png</a></p>"
            ),
        ),
        (
            f"|a|\n|-|\n|![p]({PICTURE})|",
            (
                "<table><thead><tr><th>a</th></tr></thead><tbody><tr>"
                '<td><img src="/acme/x/downloads/p.png" alt="p"></td></tr></tbody></table>'
            ),
        ),
    ],
)
def test_the_markdown_of_a_report_becomes_html(text: str, html: str) -> None:
    assert rendered(text, partial(own_picture, ADDRESSES)) == html


def test_a_picture_is_a_link_where_nobody_says_that_it_may_be_shown() -> None:
    html = rendered(f"![p]({PICTURE})")

    assert html == f'<p><a href="{PICTURE}" rel="noreferrer">p</a></p>'


@given(MARKS)
def test_no_text_gets_a_tag_of_its_own_through(text: str) -> None:
    html = rendered(text, partial(own_picture, ADDRESSES))

    assert re.search(r"[<>]", OURS.sub("", html)) is None


@pytest.mark.parametrize(
    "piece",
    [
        *("`", "**", "[", "[a](", "| ", "# ", "- ", "```\n", "-|\n", "a|\n"),
        *("![", "![a](", "![a](http://x ", '![a](http://x "', "[a](http://x"),
    ],
)
def test_the_longest_texts_take_no_time(piece: str) -> None:
    with at_most(5):
        rendered(piece * (60_000 // len(piece)))


def test_punctuation_behind_a_backslash_is_itself() -> None:
    assert rendered(r"a \*\*b\*\* \[c\](https://d.example) \x") == (
        "<p>a **b** [c](https://d.example) \\x</p>"
    )
