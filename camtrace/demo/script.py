"""What happens in the demo's shop, minute after minute: the one script that the tills speak and the cameras show.

Time is counted in beats, 1/8 s since the epoch. The script is one minute long and begins with each minute of the wall
clock, so a picture drawn once is right in every minute. Each till makes two sales a minute. Now and then it does what
the rules of the demo look for, which no picture shows. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

BEATS_PER_SECOND = 8
LOOP = 60 * BEATS_PER_SECOND
SALE = LOOP // 2
RARE_MINUTES = 3
RULES = {  # rules to begin with that the demo switches on, and what this shop calls them
    "Drawer opened without a sale": "Tiroir ouvert sans vente",
    "Line cancelled over 20": "Ligne de plus de 20 annulée",
    "Line cancelled after the payment began": "Ligne annulée après le début du paiement",
}

# What may be sold for a price (in cents): the picture shows prices, so only the article changes from minute to minute.
ARTICLES: dict[int, tuple[tuple[str, str], ...]] = {
    130: (("101", "BAGUETTE TRADITION"), ("102", "CROISSANT BEURRE"), ("103", "PAIN AU CHOCOLAT")),
    240: (("118", "CAFÉ MOULU 125G"), ("119", "THÉ À LA MENTHE"), ("120", "CONFITURE DE MÛRES")),
    390: (("127", "JUS DE POMME 1L"), ("128", "CIDRE BRUT"), ("129", "LIMONADE ARTISANALE")),
    1000: (("165", "OEUF PARMESAN"), ("166", "TERRINE DE CANARD"), ("167", "COMTÉ 18 MOIS")),
    1600: (("148", "TARTE POELEE"), ("149", "TARTE AU CITRON"), ("150", "FRAISIER 4 PARTS")),
}


class Step(NamedTuple):
    """One line of a sale. `at`: seconds after the sale's start; `cents`: price of one article, or the amount settled.

    `slot` picks the article among those of its price; `note` is the special word (S) or the tender (T, E).
    """

    at: float
    type: str
    cents: int
    quantity: int = 1
    slot: int = 0
    note: str = ""
    tendered: int = 0


@dataclass(frozen=True, slots=True)
class Sale:
    """Half a minute of one till: who sells, which customer (an index of the drawn people), what is said when."""

    seller: str
    shopper: int
    steps: tuple[Step, ...]

    def total(self, seconds: float) -> int:
        """What the articles passed by then cost, in cents."""
        return sum(_worth(step) for step in self.steps if step.at <= seconds)

    def when(self, kind: str) -> float | None:
        """Seconds after its start at which the first line of a type comes."""
        return next((step.at for step in self.steps if step.type == kind), None)


@dataclass(frozen=True, slots=True)
class Till:
    """A cash register. `name` is the overlay id; its first sale starts `delay` beats after the full minute.

    `rare`: what is said besides in its second sale, in every third minute.
    """

    name: str
    encoding: str
    delay: int
    sales: tuple[Sale, Sale]
    rare: tuple[Step, ...] = ()

    def moment(self, beat: int) -> tuple[Sale, float]:
        """The sale that runs at a beat, and the seconds since its start."""
        position = (beat - self.delay) % LOOP
        return self.sales[position // SALE], position % SALE / BEATS_PER_SECOND

    def lines(self, beat: int) -> list[bytes]:
        """The protocol's lines that this till sends at a beat, each with its line end."""
        sale, seconds = self.moment(beat)
        number = (beat - self.delay) // SALE
        steps = (*sale.steps, *self.rare) if number % 2 and number // 2 % RARE_MINUTES == 0 else sale.steps
        return [self._line(sale, step, number) for step in steps if step.at == seconds]

    def _line(self, sale: Sale, step: Step, number: int) -> bytes:
        ticket = number % 10_000 if step.type == "T" else 0
        head = f"{self.name}|{ticket}|{sale.seller}|0|{step.type}"
        return f"{head}|{_tail(step, number)}\n".encode(self.encoding)


def euros(cents: int) -> str:
    """An amount as French tills write it: `16,00`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100},{abs(cents) % 100:02}"


def _tail(step: Step, number: int) -> str:
    match step.type:
        case "A" | "S":
            pool = ARTICLES[step.cents]
            code, name = pool[(number // 2 + step.slot) % len(pool)]
            return f"{step.quantity}|{code}|{name}|{step.note or euros(step.quantity * step.cents)}"
        case "D":
            return euros(step.cents)
        case _:
            return f"{step.note}|{euros(step.tendered)}|{euros(step.cents)}"


def _worth(step: Step) -> int:
    if step.type == "A":
        return step.quantity * step.cents
    if step.note in ("ANNULE", "RETOUR"):
        return -step.quantity * step.cents
    return 0


TILLS = (
    Till(
        name="1",
        encoding="utf-8",
        delay=0,
        sales=(
            Sale(
                seller="7",
                shopper=0,
                steps=(
                    Step(6.5, "A", 1600),
                    Step(9.5, "A", 1000),
                    Step(12.5, "A", 1000),
                    Step(15.5, "S", 1000, note="ANNULE"),
                    Step(18.0, "A", 130, quantity=2),
                    Step(20.5, "T", 1000, note="TITRE RESTAURANT", tendered=1000),
                    Step(22.0, "D", 1860),
                    Step(25.0, "E", 1860, note="ESPECES", tendered=2000),
                ),
            ),
            Sale(
                seller="7",
                shopper=1,
                steps=(
                    Step(6.5, "A", 390, quantity=2),
                    Step(9.5, "A", 1000, slot=1),
                    Step(12.5, "S", 130, slot=1, note="OFFERT"),
                    Step(15.5, "A", 240),
                    Step(18.0, "A", 1600, slot=2),
                    Step(24.0, "E", 3620, note="CARTE BANCAIRE", tendered=3620),
                ),
            ),
        ),
        rare=(Step(27.5, "D", 0),),
    ),
    Till(
        name="2",
        encoding="cp1252",
        delay=13 * BEATS_PER_SECOND,
        sales=(
            Sale(
                seller="12",
                shopper=2,
                steps=(
                    Step(10.0, "S", 240, slot=1, note="RETOUR"),
                    Step(12.5, "A", 390, slot=1),
                    Step(15.0, "A", 1000, slot=2),
                    Step(19.0, "D", 1150),
                    Step(22.0, "E", 1150, note="ESPECES", tendered=2000),
                ),
            ),
            Sale(
                seller="12",
                shopper=3,
                steps=(
                    Step(10.0, "A", 1600, slot=1),
                    Step(12.0, "A", 130, quantity=4),
                    Step(14.0, "A", 240, slot=2),
                    Step(16.0, "S", 240, slot=2, note="ANNULE"),
                    Step(20.0, "T", 1000, note="CARTE BANCAIRE", tendered=1000),
                    Step(21.5, "D", 1120),
                    Step(24.0, "E", 1120, note="ESPECES", tendered=1200),
                ),
            ),
        ),
        rare=(Step(17.5, "A", 1600, quantity=2), Step(23.0, "S", 1600, quantity=2, note="ANNULE")),
    ),
)
