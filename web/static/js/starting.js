// While the server starts: draw the page again, with its progress, until it is the one that was wanted.

const AGAIN_MS = 1500;

async function again() {
  try {
    await fetch(location.href, { method: "HEAD", cache: "no-store" });
    location.reload();
    return;
  } catch {
    // between two starts nothing listens
  }
  setTimeout(again, AGAIN_MS);
}
setTimeout(again, AGAIN_MS);
