// While the server cannot reach its data: draw the page again as soon as it can.

const AGAIN_MS = 3000;

async function look() {
  try {
    const { status } = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (status !== 503) {
      location.reload();
      return;
    }
  } catch {
    // between two starts nothing listens
  }
  setTimeout(look, AGAIN_MS);
}
setTimeout(look, AGAIN_MS);
