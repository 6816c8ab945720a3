// What tills send, live, as bytes and as it is understood, while the dialect that understands it is written beside it.

import { Refusal, ask, askJson } from "./api.js";
import { DialectForm, readBytes, writtenBytes } from "./dialect_form.js";
import { likeLine, said, sayings } from "./dialect_meaning.js";
import { el, icon, keepsWritten, show } from "./dom.js";
import { byId } from "./page.js";
import { followSettings } from "./settings.js";
import { LiveSocket } from "./socket.js";
import { tellPlug } from "./plug.js";
import { _, ngettext } from "./texts.js";
import { drawTills, faultWords } from "./tills.js";
import { clock } from "./time.js";
import { toast } from "./toast.js";

const MOST_SHOWN = 300;
const MOST_SAMPLE = 49152;
const MOST_GUESSED = 8192;
const FEWEST_LINES = 4; // of what an address says before something is advised, or
const FEWEST_BYTES = 240; // where lines have no ends
const TRY_MS = 350;
const AGAIN_MS = 3000;
const TABLES_MS = 15000;
const TABLES_SOON_MS = 500;
const BUILT_IN = "camtrace";

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const base64Of = (bytes) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""));
const hexWords = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");
const controlsSeen = (text) => text.replace(/[\x00-\x1f\x7f]/g, (c) => String.fromCodePoint(c === "\x7f" ? 0x2421 : 0x2400 + c.charCodeAt(0)));

/** A line in two: what came, and what it was taken for; `more` stands behind that. */
function lineItem({ raw, shown, message, problem, at, sender }, as, more) {
  const bytes = bytesOf(raw);
  const taken = message ? messageWords(message) : problem ? [icon("warn"), faultWords(problem.code)] : [_("left out")];
  return el("li", { class: problem ? "bad" : message ? null : "faint" },
    at ? el("span", { class: "small quiet" }, `${clock(Date.parse(at))} ${sender}`) : null,
    el("code", null, as === "hex" ? hexWords(bytes) : controlsSeen(shown ?? new TextDecoder().decode(bytes))),
    el("span", { class: "said" }, more ? el("span", null, taken) : taken, more));
}

/** To say of a line what it is. */
function sayingChoice({ shown, message }) {
  const words = (message?.text || message?.tender || shown || "").trim();
  if (!likeLine(words)) return null;
  const say = ({ target }) => {
    const meant = said(target.value, words, form.ruled);
    if (!meant.pattern) {
      toast(_("It cannot be seen where it stands in this line."));
      target.value = "";
      return;
    }
    form.say(meant);
    attempt();
  };
  return el("select", { class: "in say", "aria-label": _("What the line “{line}” is", { line: words }), onchange: say },
    el("option", { value: "" }, _("Say what it is…")),
    sayings().map(([group, choices]) => el("optgroup", { label: group }, choices.map(([value, label]) => el("option", { value }, label)))));
}

const TYPES = { A: () => _("article"), S: () => _("special"), D: () => _("drawer"), T: () => _("payment"), E: () => _("end of ticket"), N: () => _("note") };
function messageWords({ source, ticket, seller, type, special, quantity, code, text, amount, total, tender, opens }) {
  const parts = [
    opens ? _("begins a ticket") : "", TYPES[type]?.() ?? type, special, quantity ? `${quantity} ×` : "", text || tender,
    code ? _("code {code}", { code }) : "", amount ?? "", total ? _("total {total}", { total }) : "",
  ];
  const from = [_("till {source}", { source }), ticket ? _("ticket {number}", { number: ticket }) : "", seller ? _("Cashier {name}", { name: seller }) : ""];
  return [el("b", null, parts.filter(Boolean).join(" ")), el("span", { class: "quiet" }, ` · ${from.filter(Boolean).join(", ")}`)];
}

// ── what arrives ──
let stream = null;
let paused = false;
let waiting = 0;
let arrived = []; // lines, oldest first
let reads = []; // bytes as they were read, oldest first
const shownAs = () => document.querySelector("[name=as]:checked").value;

function drawArrived() {
  byId("arrived").replaceChildren(...arrived.slice().reverse().map((line) => lineItem(line, shownAs())));
  byId("arrive-state").textContent = arrived.length
    ? ngettext("{count} line, the newest first.", "{count} lines, the newest first.", arrived.length)
    : reads.length ? _("Bytes arrive, but no line has an end yet.")
    : stream?.readyState === EventSource.OPEN ? _("Waiting for a till to say something.") : _("Connecting…");
  byId("take").disabled = !reads.length;
}

let drawing = 0;
const drawSoon = () => { drawing ||= requestAnimationFrame(() => { drawing = 0; drawArrived(); }); };

function listen() {
  clearTimeout(waiting);
  stream?.close();
  arrived = [];
  reads = [];
  const sender = byId("sender").value;
  stream = new EventSource(`/api/v1/capture${sender ? `?${new URLSearchParams({ sender })}` : ""}`);
  stream.addEventListener("line", ({ data }) => {
    if (paused) return;
    const line = JSON.parse(data);
    arrived = [...arrived, line].slice(-MOST_SHOWN);
    heardFrom(line.sender, line.message?.source);
    drawSoon();
  });
  stream.addEventListener("read", ({ data }) => {
    if (paused) return;
    const read = JSON.parse(data);
    reads = [...reads, read].slice(-MOST_SHOWN);
    heardFrom(read.sender);
    drawSoon();
  });
  stream.addEventListener("again", () => { arrived = []; reads = []; drawSoon(); }); // without part of a card's number
  stream.addEventListener("open", () => { arrived = []; reads = []; drawSoon(); }); // what is kept is told again
  stream.addEventListener("error", () => {
    drawSoon();
    if (stream.readyState === EventSource.CLOSED) waiting = setTimeout(listen, AGAIN_MS);
  });
  drawArrived();
}

/** Offer the address; whether it is a new one. */
function addSender(address) {
  const list = byId("sender");
  if ([...list.options].some(({ value }) => value === address)) return false;
  list.append(el("option", { value: address }, address));
  return true;
}

/** What came from `sender` over its last connection: those of others are mixed in. */
function bytesFrom(sender) {
  const own = reads.filter((read) => read.sender === sender);
  const last = own[own.length - 1]?.connection;
  return own.filter(({ connection }) => connection === last).flatMap(({ raw }) => [...bytesOf(raw)]);
}

const tills = new Set(); // those that spoke since the page stands open
function heardFrom(address, till) {
  const isNew = till !== undefined && !tills.has(till);
  if (isNew) tills.add(till);
  if (addSender(address) || isNew) redrawSoon();
}

/** Show what `address` sends; where that is not understood it becomes the sample. */
function watch(address, wrong = false) {
  addSender(address);
  if (wrong && bytesFrom(address).length) take(address);
  byId("sender").value = address;
  listen();
  byId("arrives-title").scrollIntoView({ block: "start" });
}

byId("sender").addEventListener("change", listen);
byId("clear").addEventListener("click", () => { arrived = []; reads = []; drawArrived(); });
byId("pause").addEventListener("click", ({ target }) => {
  paused = !paused;
  target.setAttribute("aria-pressed", paused);
  target.textContent = paused ? _("Go on") : _("Pause");
});
for (const choice of document.querySelectorAll("[name=as]")) choice.addEventListener("change", () => { drawArrived(); attempt(); });
function take(sender) {
  byId("sample").value = writtenBytes(bytesFrom(sender).slice(-MOST_SAMPLE));
  sampleOf = sender;
  isExample = false;
  guess();
}
byId("take").addEventListener("click", () => take(byId("sender").value || reads[reads.length - 1].sender));
document.addEventListener("letters", () => attempt());
byId("example").addEventListener("click", showExample);

// ── the dialect ──
let known = [];
let base = null;
let sampleOf = ""; // the address whose bytes are the sample; "" while it is an example
let isExample = false; // whether the sample is one that comes with CamTrace
let trying = 0;
const form = new DialectForm(byId("dialect"), attemptSoon);

function attemptSoon() {
  clearTimeout(trying);
  trying = setTimeout(attempt, TRY_MS);
}

let asked = 0;
async function attempt() {
  clearTimeout(trying);
  const number = (asked += 1);
  const body = { sample: base64Of(readBytes(byId("sample").value)), address: sampleOf || byId("sender").value || undefined };
  if (base?.name === BUILT_IN) body.name = BUILT_IN;
  else body.definition = form.read();
  try {
    const { lines, tickets } = await askJson("/dialects/try", { method: "POST", body });
    if (number !== asked) return;
    form.tell("", "");
    byId("outcome").replaceChildren(...outcome(lines, tickets));
    drawUse();
    byId("tried").textContent = `${isExample ? `${_("An example:")} ` : ""}${ngettext("{count} line", "{count} lines", lines.length)}, ${ngettext("{count} ticket", "{count} tickets", tickets.length)}`;
  } catch (error) {
    if (number !== asked) return;
    byId("tried").textContent = "";
    if (!form.tell(error.field, error.message)) byId("tried").textContent = error.message;
  }
}

/** Lines under the tickets they make. */
function outcome(lines, tickets) {
  const items = [];
  const canSay = base?.name !== BUILT_IN && form.read().kind === "receipt";
  let present = null;
  for (const line of lines) {
    if (line.ticket !== null && line.ticket !== present) {
      present = line.ticket;
      const ticket = tickets.find(({ id }) => id === String(present));
      items.push(el("li", { class: "tickethead" }, el("b", null, [_("Ticket"), ticket.number].filter(Boolean).join(" ")),
        ` ${ticket.state === "closed" ? _("ended") : _("open")}${ticket.total === null ? "" : ` · ${_("total {total}", { total: ticket.total })}`}`));
    }
    items.push(lineItem(line, shownAs(), canSay ? sayingChoice(line) : null));
  }
  return items;
}

/** Choose the dialect that makes most sense of the sample, and offer the others that make some. */
async function guess() {
  const bytes = readBytes(byId("sample").value).slice(0, MOST_GUESSED);
  let likely = [];
  try {
    likely = (await askJson("/dialects/guess", { method: "POST", body: { sample: base64Of(bytes) } })).items;
  } catch (error) {
    toast(error.message);
  }
  const others = likely.slice(1, 4).map((name) => el("button", { type: "button", class: "btn sm", onclick: () => choose(name) }, name));
  byId("guessed").replaceChildren(el("span", null, likely.length ? _("“{dialect}” understands most of it.", { dialect: likely[0] }) : _("No dialect that comes with CamTrace understands it.")),
    ...(others.length ? [el("span", { class: "quiet" }, _("These understand some:")), ...others] : []),
    saysEnough(bytes) ? "" : el("span", { class: "warn-c state" }, icon("warn"), _("Few lines so far: wait for a whole ticket, and take it as the sample again.")));
  show(byId("guessed"), true);
  if (base?.built_in) choose(likely[0] ?? base.name);
  else attempt();
}

function showExample() {
  isExample = true;
  const { sample } = known.find((dialect) => dialect.name === base.name && dialect.built_in) ?? known.find(({ name }) => name === "receipt");
  byId("sample").value = writtenBytes(bytesOf(sample));
  sampleOf = "";
  show(byId("guessed"), false);
  drawUse();
  attempt();
}

/** What saving does beside: the till's address gets the dialect. */
function drawUse() {
  show(byId("use-box"), Boolean(sampleOf));
  byId("use-words").textContent = _("Use it for all that comes from {address}", { address: sampleOf });
  const asItIs = base?.built_in && sampleOf && isAsItWas();
  show(byId("name"), !asItIs);
  byId("save").textContent = asItIs ? _("Use “{dialect}”", { dialect: base.name }) : _("Save");
  byId("save").disabled = base?.name === BUILT_IN && !asItIs;
}

const isAsItWas = () => base.name === BUILT_IN || JSON.stringify(form.read()) === filled;

let filled = "";
function choose(name) {
  base = known.find((dialect) => dialect.name === name) ?? known[0];
  byId("base").value = base.name;
  byId("base-words").textContent = base.built_in ? "" : base.used_by.length ? _("Used by {tills}.", { tills: base.used_by.join(", ") }) : "";
  form.fill(base.definition);
  filled = JSON.stringify(form.read());
  const fixed = base.name === BUILT_IN;
  for (const box of byId("dialect").querySelectorAll("[data-field]")) box.classList.toggle("off", fixed);
  byId("name").value = base.built_in ? "" : base.name;
  show(byId("remove"), !base.built_in);
  if (base.built_in && !sampleOf) showExample();
  else {
    drawUse();
    attempt();
  }
}

async function loadDialects(name) {
  known = (await askJson("/dialects")).items;
  byId("base").replaceChildren(...known.map(({ name: own, built_in, words }) => el("option", { value: own }, built_in ? `${own} – ${_(words)}` : own)));
  choose(name);
}

const names = () => known.map((dialect) => dialect.name);

// ── what an address that is not understood may speak ──
const advised = new Map(); // address -> {heard: how many bytes were looked at, dialect: what understands most of them, or ""}

/** A button that has `sender` understood, where a dialect is known that makes sense of what it says. */
function advice({ address }) {
  const dialect = advised.get(address)?.dialect;
  if (!dialect) return null;
  const use = async () => {
    await askJson(`/sources/${encodeURIComponent(address)}`, { method: "PATCH", body: { dialect } }).then(
      () => toast(_("What comes from {address} is understood so from now on.", { address })), (error) => toast(error.message));
    await redraw();
  };
  return el("button", { class: "btn sm", type: "button", onclick: use }, _("Use “{dialect}”", { dialect }));
}

/** Whether so much was heard that a guess is worth something. */
const saysEnough = (bytes) => bytes.length >= FEWEST_BYTES || bytes.filter((byte) => byte === 10 || byte === 13).length >= FEWEST_LINES;

/** Look at what those of `senders` say that are not understood; true when something is advised anew. */
async function advise(senders) {
  let isNew = false;
  for (const { address } of senders.filter(({ fault }) => fault)) {
    const bytes = bytesFrom(address).slice(-MOST_GUESSED);
    if (!saysEnough(bytes) || bytes.length === advised.get(address)?.heard) continue;
    const { items } = await askJson("/dialects/guess", { method: "POST", body: { sample: base64Of(bytes) } }).catch(() => ({ items: [] }));
    const dialect = items.find((name) => name !== BUILT_IN) ?? "";
    isNew ||= dialect !== (advised.get(address)?.dialect ?? "");
    advised.set(address, { heard: bytes.length, dialect });
  }
  return isNew;
}

let stale = false;
const isBusy = () => byId("main").querySelector("#tills :is(input, select):focus, #senders :is(input, select):focus") !== null;

/** Draw the tables anew, unless somebody writes there: then as soon as that is done. */
function redrawLater() {
  stale = isBusy();
  if (!stale) redraw();
}
let soon = 0;
/** Once, however many reasons there are. */
function redrawSoon() {
  soon ||= setTimeout(() => { soon = 0; redrawLater(); }, TABLES_SOON_MS);
}
keepsWritten(byId("tills"));
byId("main").addEventListener("focusout", () => { if (stale) redrawSoon(); });

async function redraw() {
  const focused = document.activeElement?.closest("#tills, #senders") ? document.activeElement.getAttribute("aria-label") : null;
  await drawTables();
  if (focused) byId("main").querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

async function drawTables() {
  const senders = await drawTills(names(), watch, advice);
  for (const { address } of senders) addSender(address);
  if (await advise(senders)) await drawTills(names(), watch, advice);
}

byId("base").addEventListener("change", ({ target }) => choose(target.value));
byId("sample").addEventListener("input", () => { isExample = false; attemptSoon(); });
byId("dialect").addEventListener("submit", async (event) => {
  event.preventDefault();
  const asItIs = base.built_in && sampleOf && isAsItWas();
  const name = asItIs ? base.name : byId("name").value.trim();
  const definition = form.read();
  try {
    if (!asItIs && !base.built_in && base.name === name) await ask(`/dialects/${encodeURIComponent(name)}`, { method: "PATCH", body: { definition } });
    else if (!asItIs) await ask("/dialects", { method: "POST", body: { name, definition } });
    const used = sampleOf && (asItIs || byId("use").checked);
    if (used) await ask(`/sources/${encodeURIComponent(sampleOf)}`, { method: "PATCH", body: { dialect: name } });
    toast(used ? _("What comes from {address} is understood so from now on.", { address: sampleOf }) : _("The dialect is saved. It acts at once."));
    await loadDialects(name);
    await redraw();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.field === "name" || !form.tell(error.field, error.message)) toast(error.message);
    if (error.field === "name") byId("name").focus();
  }
});
byId("remove").addEventListener("click", async () => {
  try {
    await ask(`/dialects/${encodeURIComponent(base.name)}`, { method: "DELETE" });
    await loadDialects(BUILT_IN);
    await redraw();
  } catch (error) {
    toast(error.message);
  }
});

// ── begin ──
async function begin() {
  const wanted = new URLSearchParams(location.search);
  try {
    await loadDialects(wanted.get("dialect") ?? "receipt");
  } catch (error) {
    byId("tried").textContent = error.message;
  }
  const sender = wanted.get("sender") ?? "";
  if (sender) addSender(sender);
  byId("sender").value = sender;
  listen(); // what is said before is not kept
  await redraw();
  const socket = new LiveSocket(tellPlug);
  socket.onSource(redrawSoon); // one that was never heard, fell silent or speaks again
  followSettings(socket, redrawSoon);
  if (sender) byId("arrives-title").scrollIntoView({ block: "start" });
  setInterval(() => { if (!document.hidden) redrawLater(); }, TABLES_MS);
}
begin();
addEventListener("pagehide", () => stream?.close());
