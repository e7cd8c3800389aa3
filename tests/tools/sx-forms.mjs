// Cuts SX text into its top-level forms without reading them: enough to feed examples one by one.

/** Does the text at a # open a record, #name{…}? @param {string} text @param {number} at */
function recordOpens(text, at) {
  return /^#[^\s()[\]{}"';`,|<\\]+\{/.test(text.slice(at, at + 200));
}

/** @param {string} text @returns {{forms: {start: number, end: number, text: string}[], problem: string | null}} */
export function topLevelForms(text) {
  const forms = [];
  let at = 0;
  let depth = 0;
  let start = -1;
  const begin = () => {
    if (start < 0) start = at;
  };
  const finish = () => {
    if (depth > 0 || start < 0) return;
    forms.push({ start, end: at, text: text.slice(start, at) });
    start = -1;
  };
  const skipString = () => {
    at++;
    while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at++;
  };
  const kAtom = /[^\s()[\]{}";]/;
  while (at < text.length) {
    const c = text[at];
    const two = text.slice(at, at + 2);
    if (/\s/.test(c)) at++;
    else if (c === ";") while (at < text.length && text[at] !== "\n") at++;
    else if (two === "#|") {
      let open = 0;
      do {
        if (text.startsWith("#|", at)) open++, (at += 2);
        else if (text.startsWith("|#", at)) open--, (at += 2);
        else at++;
      } while (open > 0 && at < text.length);
    } else if (two === "#;") {
      begin();
      at += 2;
    } else if (two === "#\\") {
      begin();
      at += 2;
      at += String.fromCodePoint(text.codePointAt(at) ?? 0).length;
      if (text[at] === "{") at = text.indexOf("}", at) + 1;
      else while (at < text.length && /[A-Za-z0-9]/.test(text[at])) at++;
      finish();
    } else if (c === "#" && (two === "#{" || text.startsWith('#u8"', at) || recordOpens(text, at))) {
      begin();
      if (!text.startsWith('#u8"', at)) depth++, (at = text.indexOf("{", at) + 1);
      else {
        at += 3;
        skipString();
        finish();
      }
    } else if ("'`,".includes(c)) {
      begin();
      at += two === ",@" ? 2 : 1;
    } else if ("([{".includes(c)) {
      begin();
      depth++;
      at++;
    } else if (")]}".includes(c)) {
      depth--;
      at++;
      if (depth < 0) return { forms, problem: "a closing bracket without its opening one" };
      finish();
    } else if (c === '"') {
      begin();
      skipString();
      finish();
    } else {
      begin();
      while (at < text.length && kAtom.test(text[at])) at++;
      finish();
    }
  }
  return { forms, problem: depth > 0 || start >= 0 ? "a form is not closed" : null };
}
