// A camera's frame as a grey JPEG, asked about: away from the thread that draws the page.

const QUALITY = 0.75;
const PATIENCE = 5000;

onmessage = async ({ data: { bitmap, url, headers } }) => {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.filter = "grayscale(1)";
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const body = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  try {
    const response = await fetch(url, { method: "POST", cache: "no-store", headers, body, signal: AbortSignal.timeout(PATIENCE) });
    postMessage({ status: response.status, after: response.headers.get("Retry-After"), text: await response.text() });
  } catch {
    postMessage({ status: 0, after: null, text: "" });
  }
};
