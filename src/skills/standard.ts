import type { SkillFault, SkillRule } from "../contracts/skill.ts";

const MOST_NAME = 64;
const MOST_DESCRIPTION = 1024;
const MOST_COMPATIBILITY = 500;

/** The fields of the standard, and ours: `kind` and `dimensions` may stand beside them. */
const FIELDS = new Set([
  ...["name", "description", "license", "compatibility", "metadata", "allowed-tools"],
  ...["kind", "dimensions", "categories"],
]);

/**
 * The rules of the Agent Skills standard (https://agentskills.io/specification) that a frontmatter breaks. A skill that
 * breaks some can still be used; without a description it cannot, because nobody could know when.
 *
 * @param folder name of the folder that the file lies in
 */
export function standardFaults(data: Record<string, unknown>, folder: string, file: string): SkillFault[] {
  const faults: SkillFault[] = [];
  const add = (rule: SkillRule, message: string) => void faults.push({ rule, file, message });
  const { name, description, compatibility, metadata } = data;
  const has = (value: unknown) => typeof value === "string" && value.trim() !== "";

  if (!has(name)) add("name-missing", "it has no name");
  else nameFaults(String(name).trim().normalize("NFKC"), folder.normalize("NFKC"), add);
  if (!has(description)) add("description-missing", "it has no description");
  else if (isLonger(String(description).trim(), MOST_DESCRIPTION)) {
    add("description-length", `the description exceeds ${MOST_DESCRIPTION} characters`);
  }
  if (compatibility !== undefined && typeof compatibility !== "string") {
    add("field-type", "compatibility is no text");
  } else if (compatibility !== undefined && isLonger(compatibility, MOST_COMPATIBILITY)) {
    add("compatibility-length", `compatibility exceeds ${MOST_COMPATIBILITY} characters`);
  }
  if (metadata !== undefined && (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))) {
    add("field-type", "metadata is no mapping");
  }
  if (data["allowed-tools"] !== undefined && typeof data["allowed-tools"] !== "string") {
    add("field-type", "allowed-tools is no text with spaces between the tools");
  }
  const unknown = Object.keys(data).filter((key) => !FIELDS.has(key));
  if (unknown.length > 0)
    add("unknown-field", `not in the standard: ${unknown.join(", ")} (metadata holds such things)`);
  return faults;
}

function nameFaults(name: string, folder: string, add: (rule: SkillRule, message: string) => void): void {
  if (isLonger(name, MOST_NAME)) add("name-length", `the name exceeds ${MOST_NAME} characters`);
  // As Python's isalnum has it, by which the reference validator goes: letters and digits of any script.
  if (name !== name.toLowerCase() || !/^[\p{L}\p{N}-]+$/u.test(name)) {
    add("name-characters", `the name "${name}" has other characters than lowercase letters, digits and hyphens`);
  }
  if (name.startsWith("-") || name.endsWith("-")) add("name-hyphens", "the name begins or ends with a hyphen");
  if (name.includes("--")) add("name-hyphens", "the name has consecutive hyphens");
  if (name !== folder) add("name-folder", `the folder "${folder}" must match the name "${name}"`);
}

/** In characters, of which none has less than one UTF-16 unit. */
function isLonger(text: string, most: number): boolean {
  return text.length > most && [...text].length > most;
}
