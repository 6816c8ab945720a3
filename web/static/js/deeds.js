// What lines are the trace of, in words.

import { _ } from "./texts.js";

const DEEDS = {
  begin: () => _("beginning of the ticket"),
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
  subtotal: () => _("subtotal"),
  payment: () => _("payment"),
  cash: () => _("payment in cash"),
  change: () => _("change given"),
  end: () => _("end of the ticket"),
  denied: () => _("refused by the till"),
  card_denied: () => _("card refused"),
  discount_card: () => _("discount card"),
  suspended: () => _("put aside or taken up"),
  reprint: () => _("printed again"),
  prohibited: () => _("prohibited article"),
  outside: () => _("scanned outside a ticket"),
  cash_limit: () => _("too much cash"),
  money: () => _("money put in or taken out"),
  sign_on: () => _("signed on"),
  long_shift: () => _("shift too long"),
  report: () => _("report printed"),
  aside: () => _("sign of life, motion"),
  other: () => _("anything else"),
};

/** The words for a deed. */
export const deedWords = (deed) => DEEDS[deed]?.() ?? deed;

// each as what follows "when …"
const CLAUSES = {
  begin: () => _("a ticket begins"),
  article: () => _("an article is sold"),
  void: () => _("a line is cancelled"),
  ticket_void: () => _("a whole ticket is cancelled"),
  return: () => _("goods are returned"),
  discount: () => _("a discount is given"),
  gift: () => _("an article is given away"),
  loss: () => _("an article is written off"),
  price_change: () => _("a price is changed"),
  quantity_change: () => _("a quantity is changed"),
  manual_entry: () => _("an article is typed in by hand"),
  drawer: () => _("the drawer is opened on a ticket"),
  no_sale: () => _("the drawer is opened without a sale"),
  subtotal: () => _("the subtotal is asked for"),
  payment: () => _("a payment is made"),
  cash: () => _("a payment is made in cash"),
  change: () => _("change is given"),
  end: () => _("a ticket ends"),
  denied: () => _("the till refuses something"),
  card_denied: () => _("a card is refused"),
  discount_card: () => _("a discount card is used"),
  suspended: () => _("a ticket is put aside or taken up"),
  reprint: () => _("a ticket is printed again"),
  prohibited: () => _("a prohibited article is tried"),
  outside: () => _("an article is scanned outside a ticket"),
  cash_limit: () => _("there is too much cash in the till"),
  money: () => _("money is put in or taken out"),
  sign_on: () => _("somebody signs on"),
  long_shift: () => _("a shift lasts too long"),
  report: () => _("a report is printed"),
  aside: () => _("the till gives a sign of life"),
  other: () => _("anything else is said"),
};

/** A deed as what happens: "a line is cancelled". */
export const deedClause = (deed) => CLAUSES[deed]?.() ?? deed;
