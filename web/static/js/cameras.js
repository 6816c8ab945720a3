// The list of cameras.

import { askJson } from "./api.js";
import { followStates, stateMark, stateWords } from "./camera_list.js";
import { el, icon, show } from "./dom.js";
import { byId, facts, may } from "./page.js";
import { followSettings } from "./settings.js";
import { _, ngettext } from "./texts.js";
import { clock, shortDay } from "./time.js";
import { toast } from "./toast.js";

const { cameras } = facts;

function draw() {
  if (!cameras.length) {
    byId("list").replaceChildren(el("div", { class: "empty" }, icon("cam", "i big"), el("h2", null, _("No camera yet")), el("p", null, _("Add the first one with the button above."))));
    return;
  }
  const well = cameras.filter(({ state }) => state.status === "active").length;
  byId("summary").textContent = ngettext("{well} of {count} camera sends pictures.", "{well} of {count} cameras send pictures.", cameras.length, { well });
  const heads = [_("Number"), _("Name"), _("State"), _("Picture"), _("Tills"), ""];
  const rows = cameras.map((camera) => {
    const { words, kind, detail } = stateWords(camera);
    return el("tr", { class: "goes", onclick: (event) => { if (!event.target.closest("a")) location.assign(`/cameras/${camera.id}`); } },
      el("td", { class: "mono" }, camera.id),
      el("td", null, el("a", { href: `/cameras/${camera.id}` }, el("b", null, camera.name))),
      el("td", null, el("span", { class: "row" }, stateMark(kind), el("span", { class: kind === "lost" ? "alarm-c" : null }, words, kind !== "ok" && detail ? ` – ${detail}` : ""))),
      el("td", { class: "hide-s" }, kind === "ok" ? detail : ""),
      el("td", { class: "mono hide-s" }, camera.overlay_ids.join(", ")),
      el("td", { class: "r hide-s" }, el("a", { class: "btn sm quietb", href: `/live/${camera.id}` }, _("Watch"))));
  });
  byId("list").replaceChildren(el("table", { class: "tbl" }, el("thead", null, el("tr", null, heads.map((words, n) => el("th", { class: n > 2 ? "hide-s" : null, scope: "col" }, words)))), el("tbody", null, rows)));
}

async function drawRemoved() {
  const { items } = await askJson("/cameras?deleted=1");
  const rows = items.map(({ uid, name, overlay_ids, deleted_at }) => {
    const at = Date.parse(deleted_at);
    return el("tr", null,
      el("td", null, el("b", null, name)),
      el("td", { class: "mono" }, `${shortDay(at)} ${clock(at)}`),
      el("td", { class: "mono hide-s" }, overlay_ids.join(", ")),
      el("td", { class: "r" }, may("replay") ? el("a", { class: "btn sm quietb", href: `/replay/uid:${uid}` }, _("Replay")) : ""));
  });
  const heads = [[_("Name")], [_("Removed")], [_("Tills"), "hide-s"], [""]];
  byId("removed-list").replaceChildren(el("table", { class: "tbl" }, el("thead", null, el("tr", null, heads.map(([words, kind]) => el("th", { class: kind, scope: "col" }, words)))), el("tbody", null, rows)));
  show(byId("removed"), rows.length > 0);
}

draw();
drawRemoved().catch((error) => toast(error.message));
if (cameras.length) {
  followSettings(followStates(cameras, draw), (told) => {
    if (told.cameras && Object.keys(told.cameras).join() !== cameras.map(({ id }) => id).join()) location.reload(); // one came or went
    else draw();
  });
}
