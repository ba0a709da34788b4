"""How the pages look: one inline stylesheet, the frame around every page, the page of an error."""

from markupsafe import Markup
from werkzeug.wrappers import Response

from local.bitbucket.answers import Refused
from local.bitbucket.repositories import Repository

REFRESH = 4  # seconds between two looks of an open page
STYLE = Markup("""
:root {
  --ink: #1f2733; --soft: #667085; --line: #e4e7ec; --ground: #f6f7f9; --card: #fff;
  --accent: #1d5fbf; --good: #1a7f4b; --good-soft: #e4f5ec; --bad: #b42318; --bad-soft: #fdebe9;
  --busy: #1d5fbf; --busy-soft: #e6effb; --still: #6b5b1f; --still-soft: #f6f0d8;
  --code: #f1f3f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e7ec; --soft: #98a2b3; --line: #303846; --ground: #14181f; --card: #1b212b;
    --accent: #7db0f5; --good: #6fd3a0; --good-soft: #17352a; --bad: #f59a92; --bad-soft: #412322;
    --busy: #8bbcf7; --busy-soft: #1b304b; --still: #e0cd83; --still-soft: #3a3319;
    --code: #232a35;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header { background: var(--card); border-bottom: 1px solid var(--line); }
header > div, main { max-width: 1080px; margin: 0 auto; padding: 14px 24px; }
header > div { display: flex; gap: 8px; align-items: baseline; }
header .aside { margin-left: auto; color: var(--soft); font-size: 13px; }
main { padding-bottom: 64px; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
h1 { font-size: 22px; margin: 18px 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 13px; margin: 28px 0 8px; color: var(--soft); font-weight: 600;
  letter-spacing: .04em; text-transform: uppercase; }
code, pre, .hash { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
  monospace; }
code { background: var(--code); border-radius: 4px; padding: 1px 5px; }
pre { background: var(--code); border-radius: 6px; padding: 10px 12px; margin: 8px 0;
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 420px; overflow-y: auto; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 18px; margin: 0 0 12px; }
.card > .title { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; }
.card > .title strong { overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: 13px; }
.chip { border: 1px solid var(--line); border-radius: 999px; padding: 0 9px; font-size: 12px;
  line-height: 20px; color: var(--soft); white-space: nowrap; max-width: 40ch; overflow: hidden;
  text-overflow: ellipsis; display: inline-block; vertical-align: middle; }
.state { border-radius: 4px; padding: 1px 8px; margin-right: 4px; font-size: 12px; font-weight: 600;
  white-space: nowrap; }
.SUCCESSFUL { color: var(--good); background: var(--good-soft); }
.FAILED { color: var(--bad); background: var(--bad-soft); }
.INPROGRESS { color: var(--busy); background: var(--busy-soft); }
.STOPPED { color: var(--still); background: var(--still-soft); }
.status { border-top: 1px solid var(--line); margin-top: 12px; padding-top: 10px;
  overflow-wrap: anywhere; }
.card > .status:first-child { border: 0; margin: 0; padding: 0; }
.status p { margin: 2px 0; }
.timeline { display: flex; flex-wrap: wrap; gap: 2px 14px; margin-top: 4px; }
.comment { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  margin-top: 12px; padding: 8px 14px; overflow-wrap: anywhere; overflow-x: auto; }
.comment h1, .comment h2, .comment h3, .comment h4 { font-size: 15px; margin: 8px 0 4px;
  color: var(--ink); letter-spacing: 0; text-transform: none; }
.comment p { margin: 6px 0; }
.comment img { max-width: 100%; height: auto; vertical-align: middle; }
table { border-collapse: collapse; margin: 8px 0; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
th { font-size: 12px; font-weight: 600; color: var(--soft); white-space: nowrap; }
.wide { width: 100%; margin: 4px 0 0; }
.wide td:first-child:not(:last-child) { width: 1%; white-space: nowrap; padding-right: 32px; }
.wide td:nth-child(2) { width: 1%; white-space: nowrap; padding-right: 32px; }
.wide td { overflow-wrap: anywhere; }
.time { white-space: nowrap; color: var(--soft); font-variant-numeric: tabular-nums; }
.deliveries { margin: 10px 0 0; }
.empty { color: var(--soft); padding: 24px 0; }
""")
HOME = Markup('<a href="/">Repositories</a>')
FRAME = Markup("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="{refresh}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><div>{crumbs}<span class="aside">Bitbucket stand-in</span></div></header>
<main>{content}</main>
</body>
</html>
""")


def page(title: str, crumbs: Markup, content: Markup, status: int = 200) -> Response:
    """A whole page: nothing on it comes from elsewhere, and no script runs."""
    html = FRAME.format(refresh=REFRESH, title=title, style=STYLE, crumbs=crumbs, content=content)
    answer = Response(html, status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def crumbs(repository: Repository) -> Markup:
    """The way from the first page to a repository."""
    return HOME + Markup(' / <a href="/{0}/">{0}</a>').format(repository.full_name)


def error_page(refused: Refused) -> Response:
    """A page that says what is wrong."""
    text = Markup("<h1>{}</h1><p>{}</p>").format(refused.status, refused.message)
    return page(str(refused.status), HOME, text, refused.status)
