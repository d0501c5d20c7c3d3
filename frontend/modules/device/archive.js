// @ts-check
/** Reads model.tar.gz, the archive of a model package. */

/** Block size in bytes; headers and padded contents are multiples of it (POSIX ustar). */
const BLOCK = 512;

/**
 * The regular files of an archive.
 * @param {Blob} archive
 * @returns {Promise<Map<string, ArrayBuffer>>} by name
 */
export async function unpack(archive) {
  const tar = await new Response(archive.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const files = new Map();
  for (let at = 0; at + BLOCK <= tar.byteLength; ) {
    const name = field(tar, at, 100).replace(/^\.\//, "");
    const size = parseInt(field(tar, at + 124, 12), 8) || 0;
    const plain = ["0", ""].includes(field(tar, at + 156, 1));
    if (name && plain) files.set(name, tar.slice(at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/**
 * @param {ArrayBuffer} tar
 * @param {number} at
 * @param {number} length
 */
const field = (tar, at, length) => new TextDecoder("latin1").decode(new Uint8Array(tar, at, length)).split("\0")[0].trim();
