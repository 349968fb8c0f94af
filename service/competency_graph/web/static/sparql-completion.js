// Completion in the query editor: variables, prefixes and the vocabulary's terms, found by name or by
// label. The terms come from this service, once; prefixes are declared as they are used.
// As many as can be seen without scrolling; typing on finds the rest.
const MOST = 10;
const START = /[\w:?$-]*$/;

function rank(term, typed) {
  const [name, label] = [term.name.toLowerCase(), (term.label?.text ?? "").toLowerCase()];
  const local = name.slice(name.indexOf(":") + 1);
  if (name.startsWith(typed) || local.startsWith(typed)) return 0;
  if (label.startsWith(typed)) return 1;
  return name.includes(typed) || label.includes(typed) ? 2 : -1;
}

// What is offered shows name, label and definition. The list is there before its lines.
function line(element, name, hint) {
  element.parentElement.ariaLabel = name;
  const code = document.createElement("code");
  code.textContent = hint.text;
  element.append(code);
  for (const [part, said] of [["label", hint.term?.label], ["definition", hint.term?.definition]]) {
    if (!said) continue;
    const span = document.createElement("span");
    span.className = part;
    span.lang = said.language;
    span.textContent = said.text;
    element.append(" ", span);
  }
}

export function completing(editor, { terms: address, completions }) {
  let vocabulary = { prefixes: {}, terms: [] };
  let typing = false;
  fetch(address, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : vocabulary))
    .then((told) => {
      vocabulary = told;
      // Who types fast was offered nothing until now.
      if (typing && editor.hasFocus()) offer();
    })
    .catch(() => {});

  function declare(name) {
    const prefix = name.slice(0, name.indexOf(":"));
    const iri = vocabulary.prefixes[prefix];
    if (iri && !(prefix in editor.getPrefixesFromQuery())) editor.addPrefixes({ [prefix]: iri });
  }

  function pick(cm, data, hint) {
    // Declared afterwards, because a new line above moves the place.
    editor.getDoc().replaceRange(hint.text, data.from, data.to, "complete");
    if (hint.term) declare(hint.text);
  }

  function offered(typed, before) {
    if (/^[?$]/.test(typed)) {
      const names = new Set(editor.getValue().match(/[?$]\w+/g));
      names.delete(typed);
      return [...names].filter((name) => name.startsWith(typed)).sort().map((name) => ({ text: name }));
    }
    if (/\bPREFIX\s+$/i.test(before)) {
      return Object.entries(vocabulary.prefixes)
        .filter(([prefix]) => prefix.startsWith(typed))
        .map(([prefix, iri]) => ({ text: `${prefix}: <${iri}>` }));
    }
    const wanted = /(^|\s)(a|rdf:type)\s+$/.test(before) ? ["class"] : ["property", "class", "value"];
    return vocabulary.terms
      .filter((term) => wanted.includes(term.kind))
      .map((term) => ({ text: term.name, term, rank: rank(term, typed.toLowerCase()) }))
      .filter((hint) => hint.rank >= 0)
      .sort((one, other) =>
        one.rank - other.rank || wanted.indexOf(one.term.kind) - wanted.indexOf(other.term.kind));
  }

  function hint() {
    const cursor = editor.getDoc().getCursor();
    const before = editor.getDoc().getLine(cursor.line).slice(0, cursor.ch);
    const typed = START.exec(before)[0];
    const list = offered(typed, before.slice(0, before.length - typed.length)).slice(0, MOST);
    return {
      list: list.map((hint) => ({ ...hint, render: (element) => line(element, completions, hint), hint: pick })),
      from: { line: cursor.line, ch: cursor.ch - typed.length },
      to: cursor,
    };
  }

  const complete = () =>
    editor.showHint({ hint, completeSingle: false, closeCharacters: /[\s()\[\]{};,.>"]/ });
  editor.setOption("extraKeys", { ...editor.getOption("extraKeys"), "Ctrl-Space": complete });
  editor.on("inputRead", (_, change) => {
    typing = /^[\w:?$]$/.test(change.text[0]);
    if (typing) offer();
  });

  function offer() {
    const token = editor.getTokenAt(editor.getDoc().getCursor());
    if (["comment", "string"].includes(token.type) || token.string.startsWith("<")) return;
    if (token.string.endsWith(":")) declare(token.string);
    if (/(\w{2}|:\w?|[?$]\w?)$/.test(token.string)) complete();
  }
}
