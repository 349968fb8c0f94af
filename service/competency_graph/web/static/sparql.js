// The page that queries are asked on: editor, run without a new page, views, link. The page works
// without it, and it asks nobody but this service.
import { completing } from "./sparql-completion.js";
import { drawChart } from "./sparql-chart.js";

const form = document.getElementById("ask");
const field = document.getElementById("query");
const status = document.getElementById("status");
const longest = Number(form.dataset.longest);
const inRow = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
let editor = null;
let running = null;
let mark = null;

function say(sentence, aloud = false) {
  // What stands elsewhere on the page is only said to those who do not see it.
  status.classList.toggle("aloud", aloud);
  status.textContent = sentence;
}

for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;

const text = () => (editor ? editor.getValue() : field.value);

function setText(query) {
  field.value = query;
  if (editor) editor.setValue(query);
}

function edit() {
  const { Yasqe } = window;
  if (!Yasqe) return;
  // Its own completion asks other hosts, and its gutter speaks English only.
  Yasqe.defaults.autocompleters = [];
  Yasqe.defaults.gutters = ["CodeMirror-linenumbers"];
  const made = new Yasqe(form, {
    value: field.value,
    persistenceId: null,
    consumeShareLink: null,
    createShareableLink: null,
    showQueryButton: false,
    resizeable: false,
    foldGutter: false,
    editorHeight: "auto",
    viewportMargin: Infinity,
    screenReaderLabel: document.querySelector("label[for=query]").textContent,
    extraKeys: {
      // Whoever has no mouse must be able to leave the editor (WCAG 2.1.2).
      Tab: false,
      "Shift-Tab": false,
      "Ctrl-Enter": run,
      "Cmd-Enter": run,
      Esc: false,
      "Ctrl-S": false,
    },
  });
  // The editor proper: what Yasqe returns is a copy that knows nothing of operations under way.
  editor = made.getDoc().getEditor();
  field.after(made.rootEl);
  field.hidden = true;
  editor.refresh();
  document.querySelector("label[for=query]").addEventListener("click", () => editor.focus());
  completing(editor, form.dataset);
  editor.on("change", () => mark?.clear());
}

function parameters() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) asked.append(name, name === "query" ? text() : value);
  return asked;
}

// The whole page is asked for, so that there is one place that writes answers, and its part taken.
async function run() {
  running?.abort();
  const mine = (running = new AbortController());
  const asked = parameters();
  const address = `${form.action}?${asked}`;
  const long = address.length > longest;
  const said = { headers: { Accept: "text/html" }, signal: mine.signal };
  say(form.dataset.running);
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await (long
      ? fetch(form.action, { ...said, method: "POST", body: asked })
      : fetch(address, said));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const result = page.getElementById("result");
    if (!result) throw new TypeError("no answer");
    document.getElementById("result").replaceWith(document.adoptNode(result));
    if (!long) history.pushState(null, "", address);
    document.getElementById("examples").open = false;
    show();
  } catch (fault) {
    if (fault.name !== "AbortError") say(form.dataset.lost);
  } finally {
    if (running === mine) form.removeAttribute("aria-busy");
  }
}

function show() {
  const result = document.getElementById("result");
  for (const part of result.querySelectorAll("[data-scripted]")) part.hidden = false;
  say("");
  // In a later step, so that the same words are said again.
  const told = result.querySelector(".summary, .notice > p");
  const heading = result.querySelector("h2");
  if (told) setTimeout(() => say(`${heading.textContent}: ${told.textContent}`, true), 50);
  const section = result.querySelector("[data-line]");
  if (section) showPlace(Number(section.dataset.line) - 1, Number(section.dataset.column) - 1);
  for (const button of result.querySelectorAll(".views button")) button.addEventListener("click", view);
  const chart = document.getElementById("chart");
  if (chart) drawChart(chart, result.querySelector("table"), inRow);
  share(result);
}

function showPlace(line, column) {
  const lines = text().split("\n");
  if (line >= lines.length) return;
  if (!editor) {
    const at = lines.slice(0, line).join("\n").length + (line ? 1 : 0) + column;
    field.setSelectionRange(at, at + 1);
    field.focus();
    return;
  }
  // The column of an end of line is behind the last character: mark that one.
  const from = Math.max(Math.min(column, lines[line].length - 1), 0);
  mark = editor.getDoc().markText({ line, ch: from }, { line, ch: from + 1 }, { className: "place-of-fault" });
  editor.getDoc().setCursor({ line, ch: Math.min(column, lines[line].length) });
  editor.focus();
}

function view(event) {
  const result = document.getElementById("result");
  for (const button of result.querySelectorAll(".views button")) {
    const chosen = button === event.currentTarget;
    button.setAttribute("aria-pressed", String(chosen));
    const part = document.getElementById(button.getAttribute("aria-controls"));
    if (part) part.hidden = !chosen;
    if (chosen && part?.id === "raw") showRaw(part);
  }
}

const MOST_RAW = 200_000;

async function showRaw(part) {
  const [size, shown] = part.children;
  if (shown.textContent) return;
  const asked = parameters();
  asked.delete("lang");
  asked.set("query", part.dataset.query);
  const answer = await fetch(form.action, {
    method: "POST",
    body: asked,
    headers: { Accept: part.dataset.type },
  });
  const whole = await answer.text();
  const bytes = new TextEncoder().encode(whole).length.toLocaleString(document.documentElement.lang);
  const cut = whole.length > MOST_RAW ? ` ${part.dataset.cut}` : "";
  size.textContent = inRow(part.dataset.size, { bytes, type: answer.headers.get("Content-Type") }) + cut;
  shown.textContent = whole.slice(0, MOST_RAW);
}

// What is too long for an address that is sent goes behind the #, which no server ever sees.
function share(result) {
  const link = result.querySelector("#link");
  const copy = result.querySelector("#copy");
  const raw = result.querySelector("#raw");
  if (raw) raw.dataset.query = text();
  if (!link) return;
  if (link.getAttribute("href").startsWith("#")) link.href = `${form.action}#${new URLSearchParams({ query: text() })}`;
  if (!navigator.clipboard) copy.hidden = true;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(link.href);
    say(copy.dataset.done);
  });
}

function searchable() {
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const rows = [...document.querySelectorAll("#examples li")];
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const title = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => title.includes(word));
    }
    found.textContent = inRow(found.dataset.found, { n: rows.filter((row) => !row.hidden).length });
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
window.addEventListener("popstate", () => location.reload());
edit();
searchable();
const shared = new URLSearchParams(location.hash.slice(1)).get("query");
if (shared) {
  setText(shared);
  run();
} else {
  show();
}
