const MOST_NAME = 64;

/**
 * Whether a text is a name by the Agent Skills standard (https://agentskills.io/specification): lowercase letters and
 * digits of any script, and single hyphens between them. Such a name is also the name of one folder and leads nowhere.
 */
export function isSkillName(text: string): boolean {
  return text.length <= MOST_NAME && text === text.toLowerCase() && /^[\p{L}\p{N}]+(?:-[\p{L}\p{N}]+)*$/u.test(text);
}
