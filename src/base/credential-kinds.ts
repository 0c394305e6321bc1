import { LiteralFinder } from "./literals.ts";
import { replaceRandom } from "./randomness.ts";

/**
 * A form of credential. Found by a fixed piece of text and then checked by the pattern, which is tried where that piece
 * begins. What the pattern's first group holds is kept; the rest of the match is the secret.
 */
interface Kind {
  markers: readonly string[];
  pattern: RegExp;
  /** Digits before the marker belong to the match. */
  digitsBefore?: boolean;
}

/** The known forms, from the issuers' documents and from secret scanners' public rules. */
function kinds(): Kind[] {
  return [
    // Amazon
    { markers: ["AKIA", "ASIA"], pattern: /(?<![A-Za-z0-9])A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])/y },
    {
      markers: ["aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "SecretAccessKey", "secretAccessKey"],
      pattern:
        /((?:aws_secret_access_key|SecretAccessKey)["']?\s{0,8}[:=]\s{0,8}["']?)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/iy,
    },
    {
      markers: ["aws_session_token", "AWS_SESSION_TOKEN", "SessionToken", "sessionToken"],
      pattern: /((?:aws_session_token|SessionToken)["']?\s{0,8}[:=]\s{0,8}["']?)[A-Za-z0-9/+=]{100,}/iy,
    },
    // GitHub, GitLab
    { markers: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], pattern: /gh[pousr]_[A-Za-z0-9]{36,}/y },
    { markers: ["github_pat_"], pattern: /github_pat_\w{22,}/y },
    { markers: ["glpat-", "glrt-", "gldt-", "glcbt-", "glptt-"], pattern: /gl\w{2,4}-[\w.-]{20,}/y },
    // Chats
    {
      markers: ["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xoxe."],
      pattern: /xox[abeprs][.-][\w.-]{10,}/y,
    },
    { markers: ["xapp-"], pattern: /xapp-\d-[\w-]{20,}/y },
    { markers: ["hooks.slack.com/"], pattern: /(hooks\.slack\.com\/(?:services|workflows)\/)[\w/+-]{20,}/y },
    { markers: ["/api/webhooks/"], pattern: /(\/api\/webhooks\/\d+\/)[\w-]{40,}/y },
    { markers: [":AA"], pattern: /(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])/y, digitsBefore: true },
    // Payments and mail
    { markers: ["sk_live_", "sk_test_", "rk_live_", "rk_test_"], pattern: /[sr]k_(?:live|test)_\w{16,}/y },
    { markers: ["whsec_"], pattern: /whsec_[\w+/=]{24,}/y },
    { markers: ["SG."], pattern: /(?<![\w.])SG\.[\w-]{16,}\.[\w-]{30,}/y },
    // Models
    {
      markers: ["sk-"],
      pattern:
        /(?<![A-Za-z0-9_-])sk-(?:ant-[\w-]{20,}|or-v1-[0-9a-f]{32,}|[0-9a-f]{32,}|(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{20,})/y,
    },
    { markers: ["gsk_"], pattern: /gsk_[A-Za-z0-9]{40,}/y },
    { markers: ["xai-"], pattern: /xai-[A-Za-z0-9]{60,}/y },
    { markers: ["hf_"], pattern: /(?<!\w)hf_[A-Za-z0-9]{30,}/y },
    { markers: ["r8_"], pattern: /(?<!\w)r8_[A-Za-z0-9]{37,}/y },
    { markers: ["pplx-"], pattern: /pplx-[A-Za-z0-9]{40,}/y },
    // Google
    { markers: ["AIza"], pattern: /AIza[\w-]{35}/y },
    { markers: ["ya29."], pattern: /ya29\.[\w-]{20,}/y },
    { markers: ["GOCSPX-"], pattern: /GOCSPX-[\w-]{20,}/y },
    // Registries, hosts and services
    { markers: ["npm_"], pattern: /npm_[A-Za-z0-9]{36}/y },
    { markers: ["pypi-AgE"], pattern: /pypi-AgE[\w-]{50,}/y },
    { markers: ["dckr_pat_"], pattern: /dckr_pat_[\w-]{20,}/y },
    { markers: ["dop_v1_", "doo_v1_", "dor_v1_"], pattern: /do[opr]_v1_[0-9a-f]{64}/y },
    { markers: ["lin_api_", "lin_oauth_"], pattern: /lin_(?:api|oauth)_[A-Za-z0-9]{32,}/y },
    { markers: ["ntn_"], pattern: /(?<!\w)ntn_[A-Za-z0-9]{40,}/y },
    { markers: ["secret_"], pattern: /(?<!\w)secret_[A-Za-z0-9]{43}(?!\w)/y },
    { markers: ["ATATT3"], pattern: /ATATT3[\w=-]{100,}/y },
    { markers: ["shpat_", "shpca_", "shppa_", "shpss_"], pattern: /shp[a-z]{2}_[0-9a-fA-F]{32}/y },
    { markers: ["hvs.", "hvb."], pattern: /(?<!\w)hv[sb]\.[\w-]{24,}/y },
    { markers: ["dapi"], pattern: /(?<!\w)dapi[0-9a-f]{32}(?!\w)/y },
    { markers: ["AccountKey="], pattern: /(AccountKey=)[A-Za-z0-9+/]{80,}={0,2}/y },
    // Forms of their own
    { markers: ["eyJ"], pattern: /(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{10,}/y },
    { markers: ["AGE-SECRET-KEY-1"], pattern: /AGE-SECRET-KEY-1[A-Z0-9]{58}/y },
    { markers: [PEM], pattern: PEM_PATTERN },
    {
      markers: ["Authorization", "authorization"],
      pattern: /([Aa]uthorization["']?\s{0,8}[:=,]\s{0,8}["']?(?:[Bb]asic|[Bb]earer)\s{1,8})[\w.~+/-]{16,}=*/y,
    },
    // A password that is a variable of a template, or hidden already, is none.
    { markers: ["://"], pattern: /(:\/\/[^\s:/@"'<>]*:)(?![$<{%*[])[^\s/@"'<>]+(?=@)/y },
  ];
}

const PEM = "-----BEGIN ";
/** Also where the end is missing, or line ends are written as `\\n`. */
const PEM_PATTERN =
  /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s\\:,]|-(?!----)){40,}(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----)?/y;
/** The beginning of such a block up to the text's end: whatever follows may belong to it. */
const OPEN_PEM =
  /-----BEGIN (?:[A-Z0-9 ]{0,42}-{0,5}|[A-Z0-9 ]{0,30}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s\\:,]|-(?!----))*(?:-----E?|-----EN|-----END(?: [A-Z0-9 ]{0,42}-{0,5})?)?)$/y;

/** Names after which a secret follows behind white space. */
const LEAD =
  /(?:aws_secret_access_key|secretaccesskey|aws_session_token|sessiontoken|authorization)["']?\s{0,8}[:=,]?\s{0,8}["']?(?:basic|bearer)?\s{0,8}$/i;
const LEAD_LENGTH = 64;

/** Groups of digits as they are printed on cards; contiguous ones too. */
const CARD =
  /(?<![\w.-])(?:[2-6]\d{12,18}|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|3[47]\d{2}([ -])\d{6}\2\d{5})(?![\w-]|\.\d)/g;

/** Replaces what looks like a credential, whoever it belongs to. */
export class KindFinder {
  readonly #guess: boolean;
  readonly #kinds: readonly Kind[] = kinds();
  readonly #finder: LiteralFinder;
  /** Of each marker, the kind it belongs to. */
  readonly #kindOf: readonly Kind[];

  /** `guess`: also what only looks made by chance. */
  constructor(guess: boolean) {
    this.#guess = guess;
    this.#finder = new LiteralFinder(this.#kinds.flatMap((kind) => kind.markers));
    this.#kindOf = this.#kinds.flatMap((kind) => kind.markers.map(() => kind));
  }

  /** The text with every secret replaced by what `name` gives for it. */
  replace(text: string, name: (secret: string) => string): string {
    const parts: string[] = [];
    let done = 0;
    for (let hit = this.#finder.next(text, 0); hit; ) {
      const found = this.#check(text, hit.start, this.#kindOf[hit.index]!, done);
      if (found) {
        parts.push(text.slice(done, found.start), name(text.slice(found.start, found.end)));
        done = found.end;
      }
      hit = this.#finder.next(text, found ? found.end : hit.start + 1);
    }
    parts.push(text.slice(done));
    const kept = parts.join("").replace(CARD, (digits) => (passesLuhn(digits) ? name(digits) : digits));
    return this.#guess ? replaceRandom(kept, name) : kept;
  }

  #check(text: string, marker: number, kind: Kind, from: number): { start: number; end: number } | undefined {
    let at = marker;
    if (kind.digitsBefore) while (at > from && isDigit(text.charCodeAt(at - 1))) at--;
    kind.pattern.lastIndex = at;
    const match = kind.pattern.exec(text);
    if (!match) return;
    return { start: at + (match[1]?.length ?? 0), end: at + match[0].length };
  }

  /**
   * Where `text` can be divided so that nothing is cut: what comes before stays as it is, whatever follows. Words are
   * kept whole; so are groups of digits, names that announce a secret, and PEM blocks.
   */
  divideAt(text: string): number {
    const armoured = text.includes(PEM);
    let at = beforeDigits(text, beforeWord(text, text.length));
    // Stepping back over one may land within another; a text made of nothing else is not followed to its beginning.
    for (let rounds = 0, before = -1; before !== at && rounds < MAX_ROUNDS; rounds++) {
      before = at;
      at = beforeLead(text, at);
      if (armoured) at = beforePem(text, at);
      at = beforeWord(text, at);
    }
    return at;
  }
}

const MAX_ROUNDS = 8;

function beforeWord(text: string, at: number): number {
  let start = at;
  while (start > 0 && !isSpace(text.charCodeAt(start - 1))) start--;
  return start;
}

/** A card number in five groups is cut before its first. */
function beforeDigits(text: string, at: number): number {
  let start = at;
  for (let groups = 0; groups < 4; groups++) {
    const group = /(?<!\S)\d{4,6} $/.exec(text.slice(Math.max(0, start - 8), start));
    if (!group) break;
    start -= group[0].length;
  }
  return start;
}

function beforeLead(text: string, at: number): number {
  return at - (LEAD.exec(text.slice(Math.max(0, at - LEAD_LENGTH), at))?.[0].length ?? 0);
}

/** `at`, or where a PEM block begins that `at` would cut. */
function beforePem(text: string, at: number): number {
  const start = text.lastIndexOf(PEM, at);
  if (start < 0) return at;
  OPEN_PEM.lastIndex = start;
  if (OPEN_PEM.test(text)) return start;
  PEM_PATTERN.lastIndex = start;
  return PEM_PATTERN.test(text) && PEM_PATTERN.lastIndex > at ? start : at;
}

function isSpace(unit: number): boolean {
  return unit === 32 || (unit >= 9 && unit <= 13);
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** The check digit of card numbers (ISO/IEC 7812). */
function passesLuhn(text: string): boolean {
  let sum = 0;
  let place = 0;
  for (let i = text.length - 1; i >= 0; i--) {
    const unit = text.charCodeAt(i);
    if (!isDigit(unit)) continue;
    const digit = unit - 48;
    sum += place % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9;
    place++;
  }
  return sum % 10 === 0;
}
