/** Each begins and ends a line. */
const BLOCK =
  /^(?:address|article|aside|blockquote|body|br|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|title|tr|ul)$/;
/** No reader sees what stands in them. */
const UNSEEN = "script, style, noscript, template, svg, iframe, object, select, button";

/**
 * The text of an HTML page as a person would read it: headings with `#`, list items with `-`, links with their address
 * (absolute, by `base`), cells on one line, preformatted text as it is. No scripts, no styles.
 */
export function pageText(html: string, base: string): string {
  const page = new Page(base);
  new HTMLRewriter()
    .on(UNSEEN, {
      element(element) {
        page.unseen++;
        if (element.selfClosing) page.unseen--;
        else element.onEndTag(() => void page.unseen--);
      },
    })
    .on("*", { element: (element) => page.open(element) })
    .onDocument({ text: ({ text }) => page.say(text) })
    .transform(html);
  return page.end();
}

class Page {
  unseen = 0;
  readonly #base: string;
  readonly #lines: string[] = [];
  #line = "";
  /** Text that stands together, with its entities. */
  #raw = "";
  #preformatted = 0;

  constructor(base: string) {
    this.#base = base;
  }

  say(text: string): void {
    if (this.unseen === 0) this.#raw += text;
  }

  open(element: HTMLRewriterTypes.Element): void {
    this.#flush();
    const name = element.tagName;
    if (name === "td" || name === "th") {
      if (this.#line.trim() !== "") this.#line += " | ";
      return;
    }
    if (name === "a") this.#link(element);
    if (!BLOCK.test(name)) return;
    this.#break();
    if (/^h[1-6]$/.test(name)) this.#line = `${"#".repeat(Number(name[1]))} `;
    else if (name === "li") this.#line = "- ";
    else if (name === "pre") this.#preformatted++;
    if (name === "br" || name === "hr") return;
    // An end that is left out comes with that of the element around it.
    element.onEndTag(() => {
      this.#flush();
      this.#break();
      if (name === "pre") this.#preformatted--;
      if (/^(?:p|pre|h[1-6]|ul|ol|table)$/.test(name)) this.#lines.push("");
    });
  }

  end(): string {
    this.#flush();
    this.#break();
    const text = this.#lines.join("\n");
    return text.replace(/\n{3,}/g, "\n\n").trim();
  }

  #link(element: HTMLRewriterTypes.Element): void {
    const href = element.getAttribute("href");
    element.onEndTag(() => {
      this.#flush();
      const url = href && URL.canParse(href, this.#base) ? new URL(href, this.#base) : undefined;
      const shown = url && /^https?:$/.test(url.protocol) && !href?.startsWith("#") && this.unseen === 0;
      if (shown) this.#line += ` (${url.href})`;
    });
  }

  #flush(): void {
    const text = decodeEntities(this.#raw);
    this.#raw = "";
    if (this.#preformatted > 0) {
      const lines = (this.#line + text).split("\n");
      this.#line = lines.pop() ?? "";
      this.#lines.push(...lines);
      return;
    }
    const words = text.replace(/\s+/g, " ");
    this.#line += this.#line === "" || this.#line.endsWith(" ") ? words.trimStart() : words;
  }

  #break(): void {
    const line = this.#preformatted > 0 ? this.#line : this.#line.trim();
    this.#line = "";
    if (line !== "" && !/^(?:#+|-)$/.test(line)) this.#lines.push(line);
  }
}

/** Numbers, and the names that are met in text. */
function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return Object.hasOwn(NAMED, name) ? NAMED[name]! : whole;
      const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ndash: "–",
  mdash: "—",
  hellip: "…",
  lsquo: "‘",
  rsquo: "’",
  ldquo: "“",
  rdquo: "”",
  laquo: "«",
  raquo: "»",
  bull: "•",
  middot: "·",
  copy: "©",
  reg: "®",
  trade: "™",
  times: "×",
  rarr: "→",
  larr: "←",
  euro: "€",
  deg: "°",
  auml: "ä",
  ouml: "ö",
  uuml: "ü",
  Auml: "Ä",
  Ouml: "Ö",
  Uuml: "Ü",
  szlig: "ß",
  eacute: "é",
  egrave: "è",
};
