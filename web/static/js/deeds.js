// What lines are the trace of, in words.

import { _ } from "./texts.js";

const DEEDS = {
  article: () => _("article"),
  void: () => _("cancelled line"),
  ticket_void: () => _("cancelled ticket"),
  return: () => _("goods returned"),
  discount: () => _("discount"),
  gift: () => _("given away"),
  loss: () => _("written off"),
  price_change: () => _("price changed"),
  quantity_change: () => _("quantity changed"),
  manual_entry: () => _("article typed in"),
  drawer: () => _("drawer opened"),
  no_sale: () => _("drawer opened without a sale"),
  payment: () => _("payment"),
  end: () => _("end of the ticket"),
  denied: () => _("refused by the till"),
  suspended: () => _("put aside or taken up"),
  reprint: () => _("printed again"),
  prohibited: () => _("prohibited article"),
  outside: () => _("scanned outside a ticket"),
  cash_limit: () => _("too much cash"),
  report: () => _("report printed"),
  other: () => _("anything else"),
};

/** The words for a deed. */
export const deedWords = (deed) => DEEDS[deed]?.() ?? deed;
