/** What a file that is not plain text is. */
export interface Media {
  /** For people and models: `PNG image`. */
  name: string;
  /** Set where models can look at it. */
  mediaType?: string;
}

/** Looks at the first bytes. Undefined: text, as far as they show. */
export function detectMedia(start: Uint8Array): Media | undefined {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  const head = bytes.toString("latin1", 0, 16);
  const known: [boolean, Media][] = [
    [head.startsWith("\x89PNG\r\n\x1a\n"), { name: "PNG image", mediaType: "image/png" }],
    [head.startsWith("\xff\xd8\xff"), { name: "JPEG image", mediaType: "image/jpeg" }],
    [/^GIF8[79]a/.test(head), { name: "GIF image", mediaType: "image/gif" }],
    [/^RIFF....WEBP/s.test(head), { name: "WebP image", mediaType: "image/webp" }],
    [head.startsWith("%PDF-"), { name: "PDF document", mediaType: "application/pdf" }],
    [head.startsWith("PK\x03\x04"), { name: "ZIP archive or a format built on it" }],
    [head.startsWith("\x1f\x8b"), { name: "gzip data" }],
    [head.startsWith("\x28\xb5\x2f\xfd"), { name: "zstd data" }],
    [head.startsWith("\xfd7zXZ"), { name: "xz data" }],
    [head.startsWith("\x7fELF"), { name: "ELF program or library" }],
    [/^\xcf\xfa\xed\xfe|^\xca\xfe\xba\xbe/.test(head), { name: "Mach-O program or Java class" }],
    [head.startsWith("SQLite format 3\0"), { name: "SQLite database" }],
    [/^\xff\xfe|^\xfe\xff/.test(head), { name: "UTF-16 text (iconv -f UTF-16 -t UTF-8 makes it readable)" }],
    [bytes.includes(0), { name: "binary data" }],
  ];
  return known.find(([fits]) => fits)?.[1];
}
