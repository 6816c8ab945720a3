// A dialect as people write it in the form, and as the API has it. Lists are written a line each.

import { el, icon } from "./dom.js";
import { _ } from "./texts.js";

const WORDS = ["kind", "encoding", "separator", "decimal_sign", "source", "line_end", "control_codes", "outside"];
const PATTERNS = ["start", "end", "cancel", "ignore"];
const ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/** Text with its control characters written as \n, \r, \t, \x03. */
export const escaped = (text) => text.replace(/[\x00-\x1f\x7f\\]/g, (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** What `escaped` wrote. */
export const unescaped = (text) => text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (whole, code, c) => (code ? String.fromCharCode(parseInt(code, 16)) : { n: "\n", r: "\r", t: "\t", "\\": "\\" }[c] ?? whole));

/** Bytes as text that can be edited: lines and the letters of UTF-8 stay, all other bytes are written as \x1b. */
export function writtenBytes(bytes) {
  const all = Uint8Array.from(bytes);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(all);
    return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f\\]/g, (c) => [...new TextEncoder().encode(c)].map(escapedByte).join(""));
  } catch {
    return Array.from(all, (b) => (b === 10 ? "\n" : b >= 32 && b < 127 && b !== 92 ? String.fromCharCode(b) : escapedByte(b))).join("");
  }
}
const escapedByte = (b) => ({ 13: "\\r", 9: "\\t", 92: "\\\\" })[b] ?? `\\x${b.toString(16).padStart(2, "0")}`;

/** The bytes that were written; letters typed as they are become UTF-8. */
export function readBytes(text) {
  const found = [];
  const encoder = new TextEncoder();
  for (const [whole, code, c] of text.matchAll(/\\(?:x([0-9a-fA-F]{2})|([nrt\\]))|[^\\]|\\/gu)) {
    if (code) found.push(parseInt(code, 16));
    else if (c) found.push({ n: 10, r: 13, t: 9, "\\": 92 }[c]);
    else found.push(...encoder.encode(whole));
  }
  return Uint8Array.from(found);
}

const pairs = (value) => Object.entries(value).map(([name, each]) => `${name} = ${Array.isArray(each) ? each.join(", ") : each}`).join("\n");
const rows = (text) => text.split("\n").map((row) => row.trim()).filter(Boolean);
const names = (text) => text.split(",").map((name) => name.trim()).filter(Boolean);

function readPairs(text, read = (value) => value) {
  return Object.fromEntries(rows(text).map((row) => {
    const at = row.indexOf("=");
    return at < 0 ? [row, read("")] : [row.slice(0, at).trim(), read(row.slice(at + 1).trim())];
  }));
}

const PARTS = ["source", "ticket", "seller", "customer", "type", "quantity", "code", "barcode", "text", "price", "amount", "discount", "special", "tender", "total", "card"];
const WILD = new RegExp(`[*?]|\\{(?:${PARTS.join("|")})\\}`);
const writtenPattern = ({ match, text }) => (match === "regex" ? `/${text}/` : text);
function readPattern(text) {
  if (text.length > 1 && text.startsWith("/") && text.endsWith("/")) return { match: "regex", text: text.slice(1, -1) };
  return { match: WILD.test(text) ? "wildcard" : "exact", text };
}
function readRule(row) {
  const at = Math.max(row.lastIndexOf("→"), row.lastIndexOf("=>"));
  const pattern = readPattern((at < 0 ? row : row.slice(0, at)).trim());
  return { ...pattern, means: at < 0 ? "" : row.slice(at).replace(/^(→|=>)/, "").trim() };
}

const ruleText = (row) => row.slice(0, Math.max(row.lastIndexOf("→"), row.lastIndexOf("=>"), 0) || undefined).trim();

export class DialectForm {
  #form;

  /** `changed()` is called at each change. */
  constructor(form, changed) {
    this.#form = form;
    form.addEventListener("input", ({ target }) => {
      if (!target.closest("[data-field]")) return;
      this.#forKind();
      changed();
    });
  }

  #field(name) {
    return this.#form.elements[name];
  }

  /** Show `definition`. */
  fill(definition) {
    for (const name of WORDS) this.#field(name).value = name === "line_end" || name === "separator" ? escaped(definition[name]) : definition[name];
    this.#field("implied_decimals").value = definition.implied_decimals;
    this.#field("fields").value = definition.fields.join(", ");
    for (const name of ["layouts", "keys", "types"]) this.#field(name).value = pairs(definition[name]);
    for (const name of PATTERNS) this.#field(name).value = definition[name].map(writtenPattern).join("\n");
    this.#field("rules").value = definition.rules.map((rule) => `${writtenPattern(rule)} → ${rule.means}`).join("\n");
    this.#field("case_sensitive").checked = definition.case_sensitive;
    this.#forKind();
  }

  /** What is written, as a definition. */
  read() {
    const text = (name) => this.#field(name).value;
    const found = Object.fromEntries(WORDS.map((name) => [name, text(name)]));
    for (const name of ["line_end", "separator"]) found[name] = unescaped(found[name]);
    const digits = text("implied_decimals").trim();
    found.implied_decimals = /^\d+$/.test(digits || "0") ? Number(digits || "0") : digits;
    found.fields = names(text("fields"));
    found.layouts = readPairs(text("layouts"), names);
    found.keys = readPairs(text("keys"));
    found.types = readPairs(text("types"));
    for (const name of PATTERNS) found[name] = rows(text(name)).map(readPattern);
    found.rules = rows(text("rules")).map(readRule);
    found.case_sensitive = this.#field("case_sensitive").checked;
    return found;
  }

  /** The patterns of all rules. */
  get ruled() {
    return rows(this.#field("rules").value).map(ruleText);
  }

  /** Have lines like `pattern` understood so: what was said of them before, or of `instead`, counts no more. */
  say({ list, pattern, means, instead }) {
    for (const name of ["rules", ...PATTERNS]) {
      const kept = rows(this.#field(name).value).filter((row) => ![pattern, instead].includes(name === "rules" ? ruleText(row) : row));
      if (name === list) kept.unshift(means ? `${pattern} → ${means}` : pattern);
      this.#field(name).value = kept.join("\n");
    }
  }

  /** Tell what is wrong with the setting `field` ("rules.2"); without words nothing is. False if there is none such. */
  tell(field, words) {
    for (const box of this.#form.querySelectorAll("[data-field]")) {
      const wrong = Boolean(words) && box.dataset.field === field?.split(".")[0];
      box.classList.toggle("bad", wrong);
      box.querySelector(".msg")?.remove();
      box.querySelector("input,select,textarea").setAttribute("aria-invalid", wrong);
      if (!wrong) continue;
      const place = Number(field.split(".")[1]);
      const told = Number.isInteger(place) ? _("Line {number}: {words}", { number: place + 1, words }) : words;
      const closed = box.closest("details");
      if (closed) closed.open = true;
      box.append(el("span", { class: "msg", role: "alert" }, icon("warn"), el("span", null, told)));
    }
    return !words || this.#form.querySelector("[data-field].bad") !== null;
  }

  #forKind() {
    const kind = this.#field("kind").value;
    for (const box of this.#form.querySelectorAll("[data-kinds]")) box.hidden = !box.dataset.kinds.split(" ").includes(kind);
  }
}
