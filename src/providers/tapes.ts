import type { Env } from "../base/env.ts";
import type { Paths } from "../base/paths.ts";
import type { Model, Role } from "../contracts/provider.ts";
import { loadCatalogue } from "./catalogue.ts";
import type { Recorder } from "./record.ts";
import type { Replay } from "./replay.ts";

export interface TapesInput {
  env: Env;
  paths: Pick<Paths, "userHome">;
  /** Absolute, real; its path is taken out of recordings. */
  workspace: string;
  /** Absolute path of the recording to write. */
  record?: string | undefined;
  /** Absolute path of the recording to answer from; no provider is needed then. */
  replay?: string | undefined;
}

/** The recording that a run writes, and the one that it answers from. Each is opened when it is first needed. */
export class Tapes {
  readonly #input: TapesInput;
  /** Keys, which no recording may hold. */
  readonly #secrets: () => Promise<string[]>;
  #recorder: Promise<Recorder> | undefined;
  #replay: Promise<Replay> | undefined;

  constructor(input: TapesInput, secrets: () => Promise<string[]>) {
    this.#input = input;
    this.#secrets = secrets;
  }

  /** True where a recording answers instead of a provider. */
  get answering(): boolean {
    return Boolean(this.#input.replay);
  }

  /** The model of the recording that answers. */
  async model(role: Role): Promise<Model> {
    this.#replay ??= this.#openReplay(this.#input.replay!);
    return (await this.#replay).model(role);
  }

  /** The model, with everything that it says kept where a recording is written. */
  async kept(model: Model, role: Role): Promise<Model> {
    const { record } = this.#input;
    if (!record) return model;
    this.#recorder ??= this.#openRecorder(record);
    return (await this.#recorder).wrap(model, role);
  }

  /** Ends the recording. */
  async close(): Promise<void> {
    // A recording that could not begin was reported when it should have.
    const recorder = await this.#recorder?.catch(() => undefined);
    await recorder?.close();
  }

  async #openRecorder(path: string): Promise<Recorder> {
    const { openRecorder } = await import("./record.ts");
    return openRecorder(path, await this.#normaliser(await this.#secrets()));
  }

  async #openReplay(path: string): Promise<Replay> {
    const { openReplay } = await import("./replay.ts");
    const catalogue = await loadCatalogue();
    return openReplay(path, await this.#normaliser([]), (ref) => catalogue.info(ref));
  }

  async #normaliser(secrets: readonly string[]) {
    const { Normaliser } = await import("./normalise.ts");
    const { env, paths, workspace } = this.#input;
    return new Normaliser(
      { workspace, temp: env["TMPDIR"]?.replace(/\/+$/, "") || "/tmp", home: paths.userHome },
      secrets,
    );
  }
}
