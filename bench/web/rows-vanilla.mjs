// The table of rows.mjs in plain JavaScript, as a good programmer writes it: rows are cloned from a template, and
// one listener serves them all.

/** In a page with an element #main. */
export function vanilla() {
  const words = [
    ["pretty", "large", "big", "small", "tall", "short", "long", "handsome", "plain", "quaint", "clean", "elegant", "easy", "angry", "crazy", "helpful", "mushy", "odd", "unsightly", "adorable", "important", "inexpensive", "cheap", "expensive", "fancy"],
    ["red", "yellow", "blue", "green", "pink", "brown", "purple", "brown", "white", "black", "orange"],
    ["table", "chair", "house", "bbq", "desk", "car", "pony", "cookie", "sandwich", "burger", "pizza", "mouse", "keyboard"],
  ];
  let next = 1, data = [], selected = null;
  const make = (count) => Array.from({ length: count }, () => {
    const id = next++;
    return { id, label: `${words[0][(id * 7) % 25]} ${words[1][(id * 5) % 11]} ${words[2][(id * 3) % 13]}` };
  });
  const main = document.querySelector("#main");
  const table = document.createElement("table"), body = document.createElement("tbody");
  body.id = "tbody";
  // Without innerHTML, which the policy of the pages forbids.
  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    made.append(...children);
    return made;
  };
  const pattern = element("tr", {},
    element("td", { class: "col-md-1" }),
    element("td", { class: "col-md-4" }, element("a", { class: "lbl" })),
    element("td", { class: "col-md-1" }, element("a", { class: "remove" }, element("span", { class: "remove-icon", "aria-hidden": "true" }))),
    element("td", { class: "col-md-6" }));
  const row = ({ id, label }) => {
    const tr = pattern.cloneNode(true), first = tr.firstChild;
    tr.dataId = id;
    first.textContent = id;
    first.nextSibling.firstChild.textContent = label;
    return tr;
  };
  const append = (rows) => {
    const fragment = document.createDocumentFragment();
    for (const each of rows) fragment.appendChild(row(each));
    body.appendChild(fragment);
  };
  const clear = () => {
    body.textContent = "";
    selected = null;
    data = [];
  };
  const actions = {
    run() { clear(); append(data = make(1000)); },
    runlots() { clear(); append(data = make(10000)); },
    add() { const more = make(1000); data = data.concat(more); append(more); },
    update() {
      const rows = body.childNodes;
      for (let i = 0; i < data.length; i += 10) {
        data[i].label += " !!!";
        rows[i].firstChild.nextSibling.firstChild.firstChild.nodeValue = data[i].label;
      }
    },
    swaprows() {
      if (data.length < 999) return;
      [data[1], data[998]] = [data[998], data[1]];
      const [a, b, after] = [body.childNodes[1], body.childNodes[998], body.childNodes[2]];
      body.insertBefore(a, b);
      body.insertBefore(b, after);
    },
    clear,
  };
  for (const name in actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.id = button.textContent = name;
    button.onclick = actions[name];
    main.append(button);
  }
  body.onclick = (event) => {
    const tr = event.target.closest("tr");
    if (event.target.matches(".lbl")) {
      if (selected) selected.className = "";
      (selected = tr).className = "danger";
    } else if (event.target.closest(".remove")) {
      const at = data.findIndex((each) => each.id === tr.dataId);
      data.splice(at, 1);
      tr.remove();
    }
  };
  table.append(body);
  main.append(table);
}
