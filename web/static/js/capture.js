// What tills send, live, as bytes and as it is understood, while the dialect that understands it is written beside it.

import { Refusal, ask, askJson } from "./api.js";
import { DialectForm, readBytes, writtenBytes } from "./dialect_form.js";
import { el, icon, show } from "./dom.js";
import { byId } from "./page.js";
import { _, ngettext } from "./texts.js";
import { drawTills, faultWords } from "./tills.js";
import { clock } from "./time.js";
import { toast } from "./toast.js";

const MOST_SHOWN = 300;
const MOST_SAMPLE = 49152;
const TRY_MS = 350;
const AGAIN_MS = 3000;
const TABLES_MS = 15000;
const TABLES_SOON_MS = 500;
const BUILT_IN = "camtrace";

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const base64Of = (bytes) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""));
const hexWords = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");
const textWords = (bytes) => new TextDecoder().decode(bytes).replace(/[\x00-\x1f\x7f]/g, (c) => String.fromCodePoint(c === "\x7f" ? 0x2421 : 0x2400 + c.charCodeAt(0)));

/** A line in two: what came, and what it was taken for. */
function lineItem({ raw, message, problem, at, sender }, as) {
  const bytes = bytesOf(raw);
  const said = message ? messageWords(message) : problem ? [icon("warn"), faultWords(problem.code)] : [_("left out")];
  return el("li", { class: problem ? "bad" : message ? null : "faint" },
    at ? el("span", { class: "small quiet" }, `${clock(Date.parse(at))} ${sender}`) : null,
    el("code", null, as === "hex" ? hexWords(bytes) : textWords(bytes)),
    el("span", { class: "said" }, said));
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
    : reads.length ? _("Bytes arrive, but no line has an end yet.") : _("Waiting for a till to say something.");
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
    heardFrom(line.sender);
    drawSoon();
  });
  stream.addEventListener("read", ({ data }) => {
    if (paused) return;
    const read = JSON.parse(data);
    reads = [...reads, read].slice(-MOST_SHOWN);
    heardFrom(read.sender);
    drawSoon();
  });
  stream.addEventListener("open", () => { arrived = []; reads = []; }); // what is kept is told again
  stream.addEventListener("error", () => {
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

const heardFrom = (address) => { if (addSender(address)) setTimeout(redraw, TABLES_SOON_MS); };

function watch(address) {
  addSender(address);
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
byId("take").addEventListener("click", () => {
  const sender = byId("sender").value || reads[reads.length - 1].sender;
  const own = reads.filter((read) => read.sender === sender);
  const last = own[own.length - 1]?.connection; // one connection: those of others are mixed in
  const bytes = own.filter(({ connection }) => connection === last).flatMap(({ raw }) => [...bytesOf(raw)]).slice(-MOST_SAMPLE);
  byId("sample").value = writtenBytes(bytes);
  attempt();
});

// ── the dialect ──
let known = [];
let base = null;
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
  const body = { sample: base64Of(readBytes(byId("sample").value)), address: byId("sender").value || undefined };
  if (base?.name === BUILT_IN) body.name = BUILT_IN;
  else body.definition = form.read();
  try {
    const { lines, tickets } = await askJson("/dialects/try", { method: "POST", body });
    if (number !== asked) return;
    form.tell("", "");
    byId("outcome").replaceChildren(...outcome(lines, tickets));
    byId("tried").textContent = `${ngettext("{count} line", "{count} lines", lines.length)}, ${ngettext("{count} ticket", "{count} tickets", tickets.length)}`;
  } catch (error) {
    if (number !== asked) return;
    byId("tried").textContent = "";
    if (!form.tell(error.field, error.message)) byId("tried").textContent = error.message;
  }
}

/** Lines under the tickets they make. */
function outcome(lines, tickets) {
  const items = [];
  let present = null;
  for (const line of lines) {
    if (line.ticket !== null && line.ticket !== present) {
      present = line.ticket;
      const ticket = tickets.find(({ id }) => id === String(present));
      items.push(el("li", { class: "tickethead" }, el("b", null, [_("Ticket"), ticket.number].filter(Boolean).join(" ")),
        ` ${ticket.state === "closed" ? _("ended") : _("open")}${ticket.total === null ? "" : ` · ${_("total {total}", { total: ticket.total })}`}`));
    }
    items.push(lineItem(line, shownAs()));
  }
  return items;
}

function choose(name) {
  base = known.find((dialect) => dialect.name === name) ?? known[0];
  byId("base").value = base.name;
  byId("base-words").textContent = base.built_in ? _(base.words) : base.used_by.length ? _("Used by {tills}.", { tills: base.used_by.join(", ") }) : "";
  form.fill(base.definition);
  const fixed = base.name === BUILT_IN;
  for (const box of byId("dialect").querySelectorAll("[data-field]")) box.classList.toggle("off", fixed);
  if (base.built_in) byId("sample").value = writtenBytes(bytesOf(base.sample));
  byId("name").value = base.built_in ? "" : base.name;
  byId("save").disabled = fixed;
  show(byId("remove"), !base.built_in);
  attempt();
}

async function loadDialects(name) {
  known = (await askJson("/dialects")).items;
  byId("base").replaceChildren(...known.map((dialect) => el("option", { value: dialect.name }, dialect.name)));
  choose(name);
}

const names = () => known.map((dialect) => dialect.name);
const redraw = async () => (await drawTills(names(), watch)).forEach(addSender);

byId("base").addEventListener("change", ({ target }) => choose(target.value));
byId("sample").addEventListener("input", attemptSoon);
byId("dialect").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = byId("name").value.trim();
  const definition = form.read();
  try {
    if (!base.built_in && base.name === name) await ask(`/dialects/${encodeURIComponent(name)}`, { method: "PATCH", body: { definition } });
    else await ask("/dialects", { method: "POST", body: { name, definition } });
    toast(_("The dialect is saved. It acts at once."));
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
  await redraw();
  if (wanted.get("sender")) watch(wanted.get("sender"));
  else listen();
  setInterval(() => { if (!document.hidden && !byId("main").querySelector("#tills :focus, #senders :focus")) redraw(); }, TABLES_MS);
}
begin();
addEventListener("pagehide", () => stream?.close());
