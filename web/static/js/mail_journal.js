// The journal of mails: every one that was queued, to whom, how often it was tried, what the mail server said.

import { el } from "./dom.js";
import { FilterBar } from "./filters.js";
import { mailState, mailTime } from "./mail_rows.js";
import { byId, facts } from "./page.js";
import { PagedList, nothing, table } from "./paged_list.js";
import { _, figure } from "./texts.js";

const row = (mail) => el("tr", null,
  mailTime(mail), el("td", null, _(facts.kinds[mail.kind] ?? mail.kind)), el("td", null, mail.subject), el("td", null, mail.recipient),
  el("td", { class: "r" }, figure(mail.attempts)), mailState(mail));

const bar = new FilterBar(byId("asked"), () => list.load());
const list = new PagedList(byId("rows"), byId("more"), "/mail/queue", {
  asked: () => bar.asked,
  begin: table([_("Time"), _("About"), _("Subject"), _("To"), [_("Tries"), "r"], _("State")]),
  row: (mail) => [row(mail)],
  empty: () => (Object.keys(bar.values).length ? nothing("mail", _("No mail matches"))() : nothing("mail", _("No mail was written in the last thirty days"))()),
  failed: _("The mails could not be read."),
});
list.load();
