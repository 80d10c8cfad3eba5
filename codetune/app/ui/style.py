"""Styles beyond the theme: the project's own tables, in colours that do not rely on red and green."""

from __future__ import annotations

from pathlib import Path

ICON = Path(__file__).with_name("icon.svg")
BASELINE_COLOR = "#7a7a7a"
CANDIDATE_COLOR = "#0072b2"
BASE_COLOR = "#d55e00"
BETTER_COLOR = "#1f8fd1"  # readable on white and on black; distinct from orange for every type of colour blindness
WORSE_COLOR = "#e06c00"

STYLE = """
<style>
.stMainBlockContainer { padding-top: 4rem; }
.ct { --better: light-dark(#0062a3, #6cb8f0); --worse: light-dark(#a84300, #ff9e5e);
      --quiet: light-dark(#66625c, #a8a39c); --line: color-mix(in srgb, currentColor 14%, transparent);
      font-variant-numeric: tabular-nums; overflow-x: auto; }
.ct table { border-collapse: collapse; width: 100%; margin: 0; }
.ct th, .ct td { padding: .45rem .7rem; border: 0; border-bottom: 1px solid var(--line); text-align: right;
                 vertical-align: middle; white-space: nowrap; }
.ct th { font-weight: 600; }
.ct thead th { color: var(--quiet); font-size: .84rem; vertical-align: bottom; white-space: normal; }
.ct td.words { white-space: normal; }
.ct th:first-child, .ct .words { text-align: left; }
.ct tbody th { font-weight: 500; }
.ct tbody th span { display: block; color: var(--quiet); font-weight: 400; font-size: .78rem; white-space: normal; }
.ct .why { display: block; min-width: 8rem; font-size: .78rem; font-weight: 400; }
.ct .better { color: var(--better); font-weight: 600; }
.ct .worse { color: var(--worse); font-weight: 600; }
.ct .quiet { color: var(--quiet); }
.ct code { font-size: .86rem; background: none; padding: 0; color: inherit; white-space: pre-wrap;
           overflow-wrap: anywhere; }
.ct .bar { position: relative; display: block; width: 7.5rem; height: 1rem; margin-left: auto; }
.ct .bar i { position: absolute; top: 50%; height: 3px; margin-top: -1.5px; min-width: 2px; background: currentColor;
             border-radius: 2px; }
.ct .bar b { position: absolute; top: 50%; width: 9px; height: 9px; margin: -4.5px 0 0 -4.5px; border-radius: 50%;
             background: currentColor; }
.ct .bar::before { content: ""; position: absolute; left: 50%; top: 0; bottom: 0;
                   border-left: 1px dashed var(--quiet); }
/* Streamlit's own greys and the text on its primary button have too little contrast (WCAG 2.2 asks for 4.5). */
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {
  color: light-dark(#5a5650, #b6b1aa); opacity: 1; }
[data-testid="stBaseButton-primary"] :is(p, span) { color: light-dark(#ffffff, #06202f); }
.stCode code span.token { filter: none; }
.stCode .token.comment, .stCode .token.prolog { color: light-dark(#5a5650, #b6b1aa); }
.stCode .token:is(.string, .attr-value, .triple-quoted-string, .char) { color: light-dark(#0b6a3c, #7fd3a2); }
.stCode .token:is(.keyword, .boolean, .decorator) { color: light-dark(#0062a3, #6cb8f0); }
.stCode .token:is(.function, .class-name, .builtin) { color: light-dark(#7a3e00, #ffb27d); }
.stCode .token:is(.number, .operator, .punctuation) { color: light-dark(#43403b, #d6d2cc); }
.st-key-correction textarea { font-family: "Source Code Pro", monospace; font-size: .86rem; }
.ct .ct-span { position: relative; display: block; width: 9rem; height: 1rem; margin-left: auto; }
.ct .ct-span i { position: absolute; top: 50%; background: currentColor; border-radius: 2px; }
.ct .prose tbody th { min-width: 9rem; }
.ct .prose td, .ct .prose th { white-space: pre-wrap; overflow-wrap: anywhere; vertical-align: top; text-align: left; }
.ct td.wrap { white-space: normal; text-align: left; min-width: 14rem; overflow-wrap: anywhere; }
.ct td.wrap div div + div { margin-top: .2rem; }
.ct pre.difference { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; padding: 1rem; border-radius: .4rem;
                     background: color-mix(in srgb, currentColor 5%, transparent); font-size: .86rem; }
.ct pre ins { color: var(--better); text-decoration: underline; text-underline-offset: .2em; }
.ct pre del { color: var(--worse); text-decoration: line-through; }
.ct th code.name { white-space: nowrap; }
.st-key-token_map { overflow-x: auto; }
@media (max-width: 1300px) {
  .ct th, .ct td { padding-inline: .35rem; }
  .ct .bar { width: 5rem; }
}
@media (max-width: 720px) {
  .ct thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .ct table, .ct tbody { display: block; }
  .ct tr { display: grid; grid-template-columns: 1fr auto; border-bottom: 1px solid var(--line); padding: .5rem 0; }
  .ct th, .ct td { display: contents; border: 0; white-space: normal; }
  .ct tbody th { display: block; grid-column: 1 / -1; padding: 0 0 .2rem; text-align: left; font-weight: 600; }
  .ct td.nothing { display: none; }
  .ct td.wrap > div { text-align: left; }
  .ct td::before { content: attr(data-label); color: var(--quiet); font-weight: 400; text-align: left;
                   padding: .08rem .8rem .08rem 0; }
  .ct td > div { text-align: right; padding: .08rem 0; }
}
</style>
"""
