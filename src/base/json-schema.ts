/**
 * Checks a value against a JSON Schema that a user brought along (`--schema`). The validator is the MCP SDK's (ajv),
 * loaded when first needed. Returns what does not fit, or undefined. A schema that is itself wrong is thrown.
 */
export async function fits(schema: { [key: string]: unknown }, value: unknown): Promise<string | undefined> {
  const { AjvJsonSchemaValidator } = await import("@modelcontextprotocol/sdk/validation/ajv");
  // `$schema` only names the dialect; the validator would go looking for that document.
  const { $schema: _dialect, ...rest } = schema;
  const result = new AjvJsonSchemaValidator().getValidator(rest)(value);
  return result.valid ? undefined : result.errorMessage;
}
