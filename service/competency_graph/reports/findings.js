// Shows, of the findings on a page, those that are chosen by severity, file and rule.
"use strict";
const choice = document.getElementById("choice");
if (choice) {
  const show = () => {
    const wanted = new FormData(choice);
    const severities = wanted.getAll("severity");
    let shown = 0;
    for (const item of document.querySelectorAll(".findings > li")) {
      const { severity, file, rule } = item.dataset;
      item.hidden = !severities.includes(severity)
        || (wanted.get("file") !== "" && wanted.get("file") !== file)
        || (wanted.get("rule") !== "" && wanted.get("rule") !== rule);
      if (!item.hidden) shown += 1;
    }
    document.getElementById("shown").value = shown;
  };
  choice.hidden = false;
  choice.addEventListener("input", show);
  choice.addEventListener("submit", (event) => event.preventDefault());
  show();
}
