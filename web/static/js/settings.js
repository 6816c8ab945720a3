// Keeps what is set for tills, and what events are called, as it is now, on pages that stay open.

import { facts } from "./page.js";

/** Have `facts` follow what `socket` tells of settings; `changed()` is called when something is another. */
export function followSettings(socket, changed) {
  socket.onSettings((told) => {
    let other = false;
    for (const name of ["tills", "events"]) {
      if (!told[name] || JSON.stringify(told[name]) === JSON.stringify(facts[name])) continue;
      facts[name] = told[name];
      other = true;
    }
    if (other) changed();
  });
}
