// While the server starts: ask again until the page that was wanted can be drawn.

const AGAIN_MS = 1500;

async function again() {
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (answer.status !== 503) {
      location.reload();
      return;
    }
  } catch {
    // between two starts nothing listens
  }
  setTimeout(again, AGAIN_MS);
}
setTimeout(again, AGAIN_MS);
