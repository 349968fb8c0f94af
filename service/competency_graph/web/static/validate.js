// What the page that checks data can do more with script: take a file that is dropped, keep the
// text while somebody signs in, find the line of a finding in the text field. Works without it.
const form = document.getElementById("candidate");
const field = document.getElementById("data");
const status = document.getElementById("dropped");
const KEPT = "competency-graph:validate";
const LARGE = 2_000_000;

for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;
for (const part of document.querySelectorAll("[data-unscripted]")) part.hidden = true;

const holdsFiles = (event) => event.dataTransfer.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (holdsFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  take(event.dataTransfer.files);
});

// One text goes where it can be read and changed; several, or what is no text, are sent as files.
async function take(files) {
  const areas = form.querySelectorAll("textarea[name=text]");
  const [area] = areas;
  const one = files.length === 1 && areas.length === 1 && area.value.trim() === "" ? files[0] : null;
  const said = one && one.size <= LARGE ? await textOf(one) : null;
  if (said === null || !settle(one.name)) {
    field.files = files;
    status.textContent = form.dataset.chosen;
    field.focus();
    return;
  }
  area.value = said;
  form.elements["name"].value = one.name;
  form.elements["ends"].value = /^(?:[^\r\n]*\r\n)+[^\r\n]*$/.test(said) ? "crlf" : "lf";
  status.textContent = form.dataset.dropped;
  area.focus();
}

async function textOf(file) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    return null;
  }
}

// Chooses the syntax that the ending of a name tells, and says whether it tells one.
function settle(name) {
  const choice = form.elements["syntax"];
  const told = [...choice.options].find((option) =>
    option.dataset.endings.split(" ").some((ending) => name.toLowerCase().endsWith(ending)));
  if (told) choice.value = told.value;
  return Boolean(told);
}

for (const link of document.querySelectorAll("a[data-line]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const area = document.querySelector(link.getAttribute("href"));
    const lines = area.value.split("\n");
    const before = lines.slice(0, Number(link.dataset.line) - 1);
    const start = before.reduce((sum, line) => sum + line.length + 1, 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[before.length] ?? "").length);
    area.scrollTop = (before.length / lines.length) * area.scrollHeight - area.clientHeight / 2;
  });
}

// The service keeps nothing of it: the text waits in this tab until its owner is back, once.
for (const link of document.querySelectorAll('a[href^="/sign-in"]')) {
  link.addEventListener("click", () => {
    const said = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "key");
    if (!said.some(([name, value]) => name === "text" && value.trim())) return;
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(said));
    } catch {
      link.target = "_blank";
    }
  });
}

function takeKept() {
  try {
    const said = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    return said;
  } catch {
    return null;
  }
}

const kept = document.getElementById("verdict") ? null : takeKept();
if (kept !== null) {
  const again = document.createElement("form");
  again.method = "post";
  again.enctype = form.enctype;
  again.action = form.action;
  for (const [name, value] of JSON.parse(kept)) {
    const part = document.createElement("textarea");
    part.name = name;
    part.value = value;
    again.append(part);
  }
  again.hidden = true;
  document.body.append(again);
  again.submit();
}
