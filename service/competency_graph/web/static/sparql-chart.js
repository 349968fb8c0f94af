// A chart of a table of rows: a list of bars, which is read aloud as what it says. Asks nobody.
const MOST_BARS = 50;

const number = (cell) => {
  const said = cell.textContent.trim();
  return said !== "" && Number.isFinite(Number(said)) ? Number(said) : null;
};

function option(list, value, label) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = label;
  list.append(made);
}

// Adds up, for each value of one column, another column, or the rows where there is none.
function bars(rows, by, of) {
  const found = new Map();
  for (const row of rows) {
    const cell = row.cells[by];
    const label = cell.textContent.trim();
    const bar = found.get(label) ?? { label, language: cell.firstElementChild?.lang ?? "", value: 0 };
    bar.value += of < 0 ? 1 : number(row.cells[of]) ?? 0;
    found.set(label, bar);
  }
  return [...found.values()].sort((one, other) => other.value - one.value);
}

function line(bar, longest, language) {
  const made = document.createElement("li");
  const parts = ["label", "bar", "value"].map((name) => {
    const part = document.createElement("span");
    part.className = name;
    made.append(part, " ");
    return part;
  });
  parts[0].textContent = bar.label || "–";
  if (bar.language) parts[0].lang = bar.language;
  parts[1].style.width = `${(100 * Math.max(bar.value, 0)) / longest}%`;
  parts[2].textContent = bar.value.toLocaleString(language, { maximumFractionDigits: 4 });
  return made;
}

export function drawChart(chart, table, inRow) {
  const [by, of] = chart.querySelectorAll("select");
  const list = chart.querySelector("ol");
  const rest = chart.querySelector("[data-more]");
  const rows = [...table.tBodies[0].rows];
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  const numeric = names.map((_, n) => rows.some((row) => row.cells[n].classList.contains("number")));
  names.forEach((name, n) => option(by, n, name));
  option(of, -1, of.dataset.count);
  names.forEach((name, n) => numeric[n] && option(of, n, name));
  by.value = String(Math.max(numeric.indexOf(false), 0));
  of.value = String(numeric.indexOf(true));
  const draw = () => {
    const all = bars(rows, Number(by.value), Number(of.value));
    const longest = Math.max(...all.map((bar) => bar.value), 1e-9);
    const language = document.documentElement.lang;
    list.replaceChildren(...all.slice(0, MOST_BARS).map((bar) => line(bar, longest, language)));
    rest.textContent =
      all.length > MOST_BARS ? inRow(rest.dataset.more, { shown: MOST_BARS, total: all.length }) : "";
  };
  by.addEventListener("change", draw);
  of.addEventListener("change", draw);
  draw();
}
