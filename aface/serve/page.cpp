#include "aface/serve/page.h"

namespace aface {

const char* page_html() {
  return R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Same person?</title>
<link rel="icon" href="data:,"/>
<link rel="stylesheet" href="/page.css"/>
</head>
<body>
<main>
<h1>Same person?</h1>
<p>Drop a photo into each field, or tap to choose one. Photos stay on this machine's server and are not kept.</p>
<div class="photos">
<label class="drop" id="drop-a"><input type="file" id="file-a" accept="image/jpeg,image/png" aria-label="First photo"/><img id="photo-a" alt="" hidden><span>First photo</span></label>
<label class="drop" id="drop-b"><input type="file" id="file-b" accept="image/jpeg,image/png" aria-label="Second photo"/><img id="photo-b" alt="" hidden><span>Second photo</span></label>
</div>
<section id="result" aria-live="polite">
<p id="verdict"></p>
<div id="detail" hidden>
<div class="chips"><img id="chip-a" alt="face found in the first photo"><img id="chip-b" alt="face found in the second photo"></div>
<p id="score"></p>
</div>
</section>
<details id="access"><summary>Access token</summary><form id="token-form"><input type="password" id="token" autocomplete="off" aria-label="Access token" placeholder="only where the server asks for one"/></form></details>
</main>
<script src="/page.js"></script>
</body>
</html>
)html";
}

const char* page_css() {
  return R"css(:root {
  color-scheme: light dark;
  --back: #f6f7f9; --text: #16202b; --soft: #5b6875; --line: #b9c3cd; --field: #ffffff; --yes: #11703c; --no: #a3242b; --wait: #5b6875;
}
@media (prefers-color-scheme: dark) {
  :root { --back: #12171d; --text: #e8edf2; --soft: #9aa7b4; --line: #46525f; --field: #1b222a; --yes: #5fd394; --no: #ff8d8d; --wait: #9aa7b4; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0.5rem 0; }
p { margin: 0.5rem 0; color: var(--soft); }
.photos { display: grid; grid-template-columns: 1fr 1fr; gap: 0.75rem; margin: 1rem 0; }
.drop { position: relative; display: flex; align-items: center; justify-content: center; aspect-ratio: 1; overflow: hidden; cursor: pointer;
  border: 2px dashed var(--line); border-radius: 12px; background: var(--field); color: var(--soft); text-align: center; }
.drop input { position: absolute; inset: 0; opacity: 0; cursor: pointer; width: 100%; height: 100%; }
.drop:focus-within, .drop.over { border-color: var(--text); border-style: solid; }
.drop img { width: 100%; height: 100%; object-fit: contain; }
.drop img:not([hidden]) + span { display: none; }
[hidden] { display: none !important; }
#verdict { font-size: 1.35rem; font-weight: 600; color: var(--wait); min-height: 2rem; }
#verdict.yes { color: var(--yes); }
#verdict.no { color: var(--no); }
.chips { display: flex; gap: 0.75rem; }
.chips img { width: 112px; height: 112px; border-radius: 8px; image-rendering: auto; background: var(--field); }
#access { margin-top: 1.5rem; color: var(--soft); }
#token { width: 100%; font: inherit; padding: 0.5rem; margin-top: 0.5rem; border: 1px solid var(--line); border-radius: 8px; background: var(--field); color: var(--text); }
)css";
}

const char* page_js() {
  return R"js('use strict';
const by = (id) => document.getElementById(id);
const photos = {};
let asked = 0;

function say(text, kind) {
  by('verdict').textContent = text;
  by('verdict').className = kind || '';
}

async function compare() {
  if (!photos.a || !photos.b) return;
  const mine = ++asked;
  by('detail').hidden = true;
  say('Comparing …');
  const form = new FormData();
  form.append('a', photos.a);
  form.append('b', photos.b);
  const token = by('token').value;
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  let answer, body;
  try {
    answer = await fetch('/verify?chips=1', { method: 'POST', body: form, headers });
    body = await answer.json();
  } catch (error) {
    if (mine === asked) say('The server cannot be reached, or it refused the photos.', 'no');
    return;
  }
  if (mine !== asked) return;
  if (!answer.ok) {
    if (answer.status === 401) by('access').open = true;
    say(body.error || 'The server refused.', 'no');
    return;
  }
  if (body.same === null) say('Similarity ' + body.score.toFixed(3));
  else say(body.same ? 'Same person' : 'Different people', body.same ? 'yes' : 'no');
  let text = 'Similarity ' + body.score.toFixed(3);
  if (body.threshold !== null) text += ', same from ' + body.threshold.toFixed(3) + ' on';
  for (const [name, side] of [['first', body.a], ['second', body.b]]) {
    if (side.faces > 1) text += '; ' + side.faces + ' faces in the ' + name + ' photo, the largest was taken';
  }
  by('score').textContent = text;
  by('chip-a').src = body.a.chip;
  by('chip-b').src = body.b.chip;
  by('detail').hidden = false;
}

function take(side, file) {
  if (!file) return;
  photos[side] = file;
  const image = by('photo-' + side);
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  image.hidden = false;
  compare();
}

for (const side of ['a', 'b']) {
  const drop = by('drop-' + side);
  by('file-' + side).addEventListener('change', (event) => take(side, event.target.files[0]));
  for (const kind of ['dragenter', 'dragover']) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add('over'); });
  }
  for (const kind of ['dragleave', 'drop']) drop.addEventListener(kind, () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => { event.preventDefault(); take(side, event.dataTransfer.files[0]); });
}
by('token').addEventListener('change', compare);
by('token-form').addEventListener('submit', (event) => event.preventDefault());
// A photo that misses the fields must not replace the page.
for (const kind of ['dragover', 'drop']) window.addEventListener(kind, (event) => event.preventDefault());
)js";
}

}  // namespace aface
