// How far an answer with footage goes: it ends before what was asked for where the codec changes.

/** Where to go on fetching behind `response`, of which everything up to `stop` was asked for, in a span up to `spanEnd`. */
export function goesTo(response, stop, spanEnd) {
  const told = Date.parse(response.headers.get("Footage-Stop"));
  if (told < stop - 1) return told + 1;
  return stop >= spanEnd ? spanEnd + 1 : stop;
}
