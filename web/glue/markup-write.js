// Single writes of the DOM adapter (markup.js): attributes and properties, moving and removing stretches of siblings.

const kXlink = "http://www.w3.org/1999/xlink";
/** What waits until the children are there. */
const kLate = /** @type {(() => void)[]} */ ([]);

/** Choices that wait for their option: what they are to be, and what they are meanwhile. @type {Map<any, [string, string]>} */
const kChoices = new Map();

/** Does what had to wait. */
export function settleLate() {
  if (kLate.length) for (const late of kLate.splice(0)) late();
  for (const [select, [wanted, meanwhile]] of kChoices) {
    const there = [...select.options].some(({ value }) => value === wanted);
    if (select.value === meanwhile && there) select.value = wanted;
    if (select.value !== meanwhile || there || !select.isConnected) kChoices.delete(select);
  }
}

/** Notes what a list of options is to show when one that is not there yet has come. @param {any} select @param {string} value */
export function awaitChoice(select, value) {
  kChoices.delete(select);
  const there = [...select.options].some((option) => option.value === value);
  if (!there) kChoices.set(select, [value, select.value]);
  return there;
}

/** @param {any} element @param {string} name @param {null | true | string} value @param {boolean} fresh */
export function write(element, name, value, fresh) {
  const text = value === true ? "" : value;
  switch (name) {
    case "style":
      element.style.cssText = text ?? "";
      if (text === null) element.removeAttribute("style");
      return;
    case "class":
      if (text === null) element.removeAttribute("class");
      else element.setAttribute("class", text);
      return;
    case "value":
      if (/^(input|textarea|select|option|progress|meter|button|li|data|param)$/.test(element.localName)) {
        if (element.localName === "select") {
          kLate.push(() => {
            if (text === null) {
              kChoices.delete(element);
              element.value = "";
            } else if (awaitChoice(element, text) && element.value !== text) element.value = text;
          });
          return;
        }
        if (element.localName === "textarea") {
          kLate.push(() => { if (element.value !== (text ?? "")) element.value = text ?? ""; });
          return;
        }
        if (text === null) element.removeAttribute("value");
        else if (fresh || element.localName !== "input") element.setAttribute("value", text);
        if (element.localName === "input" && element.type !== "file" && element.value !== (text ?? "")) element.value = text ?? "";
        return;
      }
      break;
    case "checked":
    case "selected":
    case "indeterminate":
    case "muted":
      if (name in element) {
        if (fresh && name !== "indeterminate" && value !== null) element.setAttribute(name, "");
        element[name] = value !== null;
        return;
      }
      break;
    case "xlink:href":
      if (text === null) element.removeAttributeNS(kXlink, "href");
      else element.setAttributeNS(kXlink, name, text);
      return;
  }
  if (text === null) element.removeAttribute(name);
  else element.setAttribute(name, text);
}

/** @param {any} parent @param {Node} first @param {Node} last @param {Node | null} before */
export function moveNodes(parent, first, last, before) {
  for (let node = /** @type {any} */ (first); ; ) {
    const next = node.nextSibling;
    // Keeps focus, media and scroll positions, where the browser can.
    if (parent.moveBefore && node.isConnected && parent.isConnected) parent.moveBefore(node, before);
    else parent.insertBefore(node, before);
    if (node === last) return;
    node = next;
  }
}

/** @param {Node} first @param {Node} last */
export function removeNodes(first, last) {
  const parent = /** @type {any} */ (first.parentNode);
  if (!parent) return;
  const range = last.nextSibling;
  // All of them but the place behind: the quick way, with that node put back.
  if (first === parent.firstChild && range && range === parent.lastChild && first !== last) {
    parent.replaceChildren(range);
    return;
  }
  for (let node = /** @type {any} */ (first); node && node !== range; ) {
    const next = node.nextSibling;
    parent.removeChild(node);
    node = next;
  }
}
