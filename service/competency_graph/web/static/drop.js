// Lets files be dropped anywhere on the page of the form that checks data. Sends nothing by itself.
"use strict";
const field = document.getElementById("data");
const form = field.form;
const holdsFiles = (event) => event.dataTransfer.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (holdsFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  field.files = event.dataTransfer.files;
  form.scrollIntoView();
  field.focus();
});
