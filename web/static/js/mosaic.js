// How the tiles of the wall lie: in the grid that shows the pictures largest, each whole. Pure: no element is touched here.

const GAP = 2;
const LINE = 21; // one line of a till, as `ticket.css` draws it
const MARGIN = 10;
const LINES = [2, 4]; // fewest and most lines under a picture
const BESIDE = [176, 300]; // narrowest and widest column of lines beside a picture

const within = (value, [least, most]) => Math.min(most, Math.max(least, value));

/** The room that `lines` lines of a till take under a picture. */
export const stripHeight = (lines) => lines * LINE + MARGIN;

/**
 * How a tile of this size is used: {width, lines, strip, place}. `width` is the picture's, `ratio` its shape; a tile with a
 * `till` keeps `strip` points free for its lines, "under" the picture or "beside" it, whichever leaves the larger picture.
 */
export function used(width, height, { ratio, till }) {
  if (!till) return { width: Math.min(width, height * ratio), lines: 0, strip: 0, place: "" };
  const lines = within(Math.floor((height - width / ratio - MARGIN) / LINE), LINES);
  const row = Math.max(stripHeight(lines), Math.floor((height - width / ratio) / 2)); // as much as above: in line with its neighbours
  const under = { width: Math.min(width, (height - row) * ratio), lines, strip: row, place: "under" };
  const column = Math.max(within(Math.floor(width - height * ratio), BESIDE), Math.floor((width - height * ratio) / 2));
  const beside = { width: Math.min(width - column, height * ratio), lines: LINES[1], strip: column, place: "beside" };
  return beside.width > under.width ? beside : under;
}

/** {columns, rows} in which `tiles`, each {ratio, till}, have the largest pictures in this room. */
export function largestGrid(width, height, tiles) {
  let best = { columns: 1, rows: tiles.length, area: -1 };
  for (let columns = 1; columns <= tiles.length; columns += 1) {
    const rows = Math.ceil(tiles.length / columns);
    const size = cell(width, height, { columns, rows });
    const area = tiles.reduce((sum, tile) => sum + used(...size, tile).width ** 2 / tile.ratio, 0);
    if (area > best.area + 1) best = { columns, rows, area };
  }
  return { columns: best.columns, rows: best.rows };
}

/** [width, height] of one tile of a grid. */
export const cell = (width, height, { columns, rows }) => [(width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows];
