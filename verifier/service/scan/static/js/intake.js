// Every way in beside the camera: a picture chosen, dropped or pasted, a text pasted or typed.

const TAKEN = ["image/png", "image/jpeg", "image/webp"];
const LONGEST_SIDE = 2560;

// A picture as the service takes it: photographs are made smaller here, other kinds that the browser can draw are redrawn.
export async function prepared(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return file;
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  if (scale === 1 && TAKEN.includes(file.type)) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((done) => canvas.toBlob((blob) => done(blob ?? file), "image/jpeg", 0.92));
}

export function listen({ files, text }) {
  const take = (transfer) => {
    if (transfer.files.length) files([...transfer.files]);
    else if (transfer.getData("text/plain").trim()) text(transfer.getData("text/plain"));
  };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.dataset.drag = "";
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || delete document.body.dataset.drag);
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    delete document.body.dataset.drag;
    take(event.dataTransfer);
  });
  document.addEventListener("paste", (event) => {
    if (event.target instanceof Element && event.target.closest("input, textarea")) return;
    event.preventDefault();
    take(event.clipboardData);
  });
}
